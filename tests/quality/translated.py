"""One invented report in three languages, another report on the same event, and one on something else."""

ENGLISH = """The council of Saltmarsh voted on Monday to close the old ferry terminal after 112 years.
Engineers had found cracks in 14 of the 22 pillars that hold the pier.
"We could not promise anybody that it would stand another winter," harbour master Edith Carrow told reporters.
The last boat to the island of Fenholm will leave at six in the evening on 30 April.
Until a new pier is built, passengers will be taken by bus to the container port, nine kilometres away.
Shopkeepers on Quay Street fear that the journey will cost them half of their summer trade.
Baker Tomas Lind said he sold 300 rolls a morning to commuters and did not know who would buy them now.
The city expects the new terminal to cost 41 million crowns and to open in 2029.
A citizens' group has collected 5,600 signatures for keeping the hall with its painted ceiling.
The council will decide in June whether the hall can become a museum."""

GERMAN = """Der Stadtrat von Saltmarsh hat am Montag beschlossen, das alte Fährterminal nach 112 Jahren zu schließen.
Ingenieure hatten in 14 der 22 Pfeiler, die den Anleger tragen, Risse gefunden.
„Wir konnten niemandem versprechen, dass er noch einen Winter hält“, sagte Hafenmeisterin Edith Carrow vor Journalisten.
Das letzte Boot zur Insel Fenholm wird am 30. April um sechs Uhr abends ablegen.
Bis ein neuer Anleger gebaut ist, werden die Fahrgäste mit Bussen zum neun Kilometer entfernten Containerhafen gebracht.
Die Ladenbesitzer in der Kaistraße fürchten, dass der Umweg sie die Hälfte ihres Sommergeschäfts kosten wird.
Bäcker Tomas Lind sagte, er habe jeden Morgen 300 Brötchen an Pendler verkauft und wisse nicht, wer sie nun kaufen solle.
Die Stadt rechnet damit, dass das neue Terminal 41 Millionen Kronen kostet und 2029 eröffnet wird.
Eine Bürgerinitiative hat 5.600 Unterschriften für den Erhalt der Halle mit ihrer bemalten Decke gesammelt.
Im Juni wird der Stadtrat entscheiden, ob aus der Halle ein Museum werden kann."""

ARABIC = """صوّت مجلس مدينة سولتمارش يوم الاثنين على إغلاق محطة العبّارات القديمة بعد 112 عاماً.
وكان المهندسون قد عثروا على شقوق في 14 من أصل 22 عموداً تحمل الرصيف.
وقالت مديرة الميناء إديث كارو للصحفيين: "لم يكن بوسعنا أن نعد أحداً بأنه سيصمد شتاءً آخر".
وسيغادر آخر قارب إلى جزيرة فينهولم في السادسة مساءً يوم 30 أبريل.
وإلى أن يُبنى رصيف جديد سيُنقل الركاب بالحافلات إلى ميناء الحاويات الذي يبعد تسعة كيلومترات.
ويخشى أصحاب المتاجر في شارع الرصيف أن تكلفهم هذه الرحلة نصف تجارتهم الصيفية.
وقال الخباز توماس ليند إنه كان يبيع كل صباح 300 رغيف للمسافرين ولا يعرف من سيشتريها الآن.
وتتوقع المدينة أن تبلغ كلفة المحطة الجديدة 41 مليون كرونة وأن تُفتتح عام 2029.
وجمعت مجموعة من المواطنين 5600 توقيع للحفاظ على القاعة ذات السقف المرسوم.
وسيقرر المجلس في يونيو ما إذا كان يمكن تحويل القاعة إلى متحف."""

SAME_EVENT = """Die Fähre nach Fenholm fährt bald nicht mehr vom alten Anleger ab, und in Saltmarsh ist der Ärger groß.
Am Montagabend standen 200 Menschen vor dem Rathaus, viele mit selbst gemalten Schildern.
„Mein Großvater hat hier schon Fahrkarten verkauft“, sagte die Lehrerin Ulrike Behn und wischte sich die Augen.
Der Bürgermeister verwies auf ein Gutachten, das der Stadt keine Wahl gelassen habe.
Ob Pendler ihre Monatskarten erstattet bekommen, konnte die Reederei am Dienstag nicht beantworten.
Die Opposition wirft der Verwaltung vor, Warnungen aus dem Jahr 2019 nicht gelesen zu haben.
Am Samstag wollen Inselbewohner mit einem Korso kleiner Boote durch das Hafenbecken ziehen.
Die Polizei rechnet mit Behinderungen und bittet Besucher, den Zug zu nehmen."""

OTHER = """La biblioteca municipal de Vallehondo abrirá también los domingos a partir de septiembre.
El ayuntamiento ha contratado a seis bibliotecarios y ampliará la sala infantil.
La directora, Lucía Ferrer, explicó que el año pasado se prestaron 84.000 libros, una quinta parte más que antes.
Los vecinos habían pedido durante años un lugar tranquilo para estudiar los fines de semana.
El presupuesto para libros nuevos subirá a 90.000 euros.
Un autobús con novelas y cuentos recorrerá además los pueblos de la sierra los martes y los jueves.
La inauguración contará con una lectura de la poeta Inés Robledo.
La entrada será libre hasta completar el aforo."""

WRAPPED = "\n".join((
    "Liebe Leserinnen und Leser, willkommen auf unserem Portal, wo wir rund um die Uhr das Wichtigste für Sie sammeln.",
    "In den folgenden Zeilen stellen wir Ihnen alle Einzelheiten der Meldung vor, die heute viele beschäftigt.",
    *GERMAN.split("\n")[2:8],
    "Wir hoffen, dass Ihnen dieser Beitrag gefallen hat, und freuen uns auf Ihren nächsten Besuch.",
    "Folgen Sie unserem Kanal, damit Ihnen keine Neuigkeit entgeht."))

SHORT = "\n".join(GERMAN.split("\n")[1:4])

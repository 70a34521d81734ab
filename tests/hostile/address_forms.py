"""Every way to write an address that must never be reached, as rows, and the names that lead to one."""

from dataclasses import dataclass

PUBLIC_4, PUBLIC_6 = "93.184.216.34", "2606:2800:220:1::1"
NAT64, SIX_TO_FOUR, TEREDO = "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe"


@dataclass(frozen=True)
class Form:
    """How a private address is written, where it leads, and what must come of it."""

    what: str
    url: str
    leads: str                     # the address that a careless reader would connect to
    direct: str = "private"
    redirect: str = "private"
    answers: bool = True           # whether the kernel lets a connection to it begin


def host(what, *written, leads, answers=True):
    """An address in each of its notations."""
    return [Form(f"{what} as {text}", f"http://{text}/", leads, answers=answers) for text in written]


LITERALS = [
    *host("loopback", "127.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "127.0.0.1:80", "127.0.0.1:443", "2130706433", "0x7f000001",
          "0X7F000001", "0x7f.1", "0x7f.0.0.0x1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.1", "017700000001", "127.0.0.01",
          "00000177.0.0.1", "%31%32%37.0.0.1", "127%2E0%2E0%2E1", "127.0.0.1%2E",
          "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "127．0．0．1", "¹²⁷.⁰.⁰.¹", "𝟏𝟐𝟕.𝟎.𝟎.𝟏", leads="127.0.0.1"),
    *host("the rest of loopback", "127.255.255.254", "127.8", leads="127.0.0.8"),
    *host("this machine", "0.0.0.0", "0", "0x0", "00", "0.0", "0.0.0.0.", leads="0.0.0.0"),
    *host("this network", "0.1.2.3", leads="0.1.2.3"),
    *host("10/8", "10.0.0.1", "10.1", "167772161", "0xa000001", "012.0.0.1", "10.255.255.254", leads="10.0.0.1"),
    *host("172.16/12", "172.16.0.1", "172.31.255.254", "0xac.0x10.1", leads="172.16.0.1"),
    *host("192.168/16", "192.168.1.1", "192.168.257", "3232235777", "0300.0250.1.1", leads="192.168.1.1"),
    *host("cloud metadata", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
          leads="169.254.169.254"),
    *host("carrier-grade NAT", "100.64.0.1", "100.100.100.200", "100.127.255.254", leads="100.64.0.1"),
    *host("protocol assignments", "192.0.0.1", "192.0.0.192", leads="192.0.0.192"),
    *host("documentation", "192.0.2.1", "198.51.100.1", "203.0.113.1", leads="192.0.2.1"),
    *host("6to4 relay", "192.88.99.1", leads="192.88.99.1"),
    *host("benchmarks", "198.18.0.1", "198.19.255.254", leads="198.18.0.1"),
    *host("multicast", "224.0.0.1", "239.255.255.250", leads="224.0.0.1", answers=False),
    *host("reserved", "240.0.0.1", "4026531841", leads="240.0.0.1"),
    *host("broadcast", "255.255.255.255", "4294967295", leads="255.255.255.255", answers=False),
    *host("a cloud's platform, public by number alone", "168.63.129.16", "2822734096", leads="168.63.129.16"),
    *host("IPv6 loopback", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0.0.0.1]", "[::1]:443", "[::1%25lo]", "[::1%lo]",
          leads="::1"),
    *host("IPv6 unspecified", "[::]", "[0::0]", leads="::"),
    *host("mapped", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]", "[0:0:0:0:0:ffff:a9fe:a9fe]",
          "[::ffff:10.0.0.1%25lo]", leads="::ffff:127.0.0.1"),
    *host("translated", "[::ffff:0:127.0.0.1]", leads="::ffff:0:7f00:1"),
    *host("compatible", "[::127.0.0.1]", "[::a9fe:a9fe]", leads="::127.0.0.1"),
    *host("NAT64", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]", "[64:FF9B:0:0:0:0:10.0.0.1]", "[64:ff9b:1::7f00:1]",
          leads=NAT64),
    *host("6to4", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", leads=SIX_TO_FOUR),
    *host("Teredo", f"[{TEREDO}]", "[2001::1]", leads=TEREDO),
    *host("ISATAP, link local", "[fe80::5efe:7f00:1]", leads="fe80::5efe:7f00:1", answers=False),
    *host("ISATAP", "[2606:2800:220:1:0:5efe:10.0.0.1]", "[2606:2800:220:1:200:5efe:127.0.0.1]",
          leads="2606:2800:220:1:0:5efe:7f00:1"),
    *host("unique local", "[fc00::1]", "[fd00:ec2::254]", "[FDFF::1]", leads="fd00:ec2::254"),
    *host("link local", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%251]", "[FE80::A9FE:A9FE%lo]", leads="fe80::1", answers=False),
    *host("site local", "[fec0::1]", leads="fec0::1"),
    *host("IPv6 multicast", "[ff02::1]", "[ff0e::1]", leads="ff02::1", answers=False),
    *host("IPv6 documentation", "[2001:db8::1]", "[3fff::1]", leads="2001:db8::1"),
    *host("IPv6 benchmarks, discard, SRv6", "[2001:2::1]", "[100::1]", "[5f00::1]", leads="5f00::1"),
    Form("upper-case scheme", "HTTP://127.0.0.1/", "127.0.0.1"),
    Form("https", "https://127.0.0.1/", "127.0.0.1"),
    Form("https, mapped", "https://[::ffff:169.254.169.254]/", "169.254.169.254"),
    Form("a public address as user", f"http://{PUBLIC_4}@127.0.0.1/", "127.0.0.1"),
    Form("a public address as user and password", f"http://{PUBLIC_4}:80@127.0.0.1:80/", "127.0.0.1"),
    Form("two at signs", f"http://a@{PUBLIC_4}@127.0.0.1/", "127.0.0.1"),
    Form("an escaped at sign", f"http://{PUBLIC_4}%40127.0.0.1@10.0.0.1/", "10.0.0.1"),
    Form("a public address in the fragment", f"http://127.0.0.1#@{PUBLIC_4}/", "127.0.0.1"),
    Form("a public address in the query", f"http://127.0.0.1?@{PUBLIC_4}/", "127.0.0.1"),
    Form("white space around it", " http://127.0.0.1/ ", "127.0.0.1"),
]
BROKEN = [   # nothing that could be requested
    Form("a backslash before the at sign", f"http://127.0.0.1\\@{PUBLIC_4}/", "127.0.0.1", "protocol", "redirect"),
    Form("a backslash after the host", f"http://{PUBLIC_4}\\@127.0.0.1/", "127.0.0.1", "protocol", "redirect"),
    Form("backslashes for slashes", "http:\\\\127.0.0.1\\", "127.0.0.1", "protocol", "redirect"),
    Form("no slashes", "http:127.0.0.1/", "127.0.0.1", "protocol", "redirect"),
    Form("one slash", "http:/127.0.0.1/", "127.0.0.1", "protocol", "redirect"),
    Form("three slashes", "http:///127.0.0.1/", "127.0.0.1", "protocol", "redirect"),
    Form("a tab in the host", "http://127.0.\t0.1/", "127.0.0.1", "protocol", "redirect"),
    Form("an escaped NUL", "http://127.0.0.1%00.example/", "127.0.0.1", "protocol", "redirect"),
    Form("an unclosed bracket", "http://[::1/", "::1", "protocol", "redirect"),
    Form("an address in brackets that is none", "http://[127.0.0.1]/", "127.0.0.1", "protocol", "redirect"),
    Form("two ports", "http://127.0.0.1:80:80/", "127.0.0.1", "protocol", "redirect"),
    Form("port 0", "http://127.0.0.1:0/", "127.0.0.1", "protocol", "redirect"),
    Form("another scheme", "ftp://127.0.0.1/", "127.0.0.1", "protocol", "redirect"),
    Form("gopher", "gopher://127.0.0.1:80/_GET%20/", "127.0.0.1", "protocol", "redirect"),
    Form("a file", "file:///etc/passwd", "127.0.0.1", "protocol", "redirect"),
]
ZONE = {
    "localhost": {"A": [["127.0.0.1"]]},
    "inside.example": {"A": [["127.0.0.1"]]},
    "metadata.example": {"A": [["169.254.169.254"]]},
    "six.example": {"AAAA": [["fd00:ec2::254"]]},
    "mapped.example": {"AAAA": [["::ffff:10.0.0.1"]]},
    "nat64.example": {"AAAA": [[NAT64]]},
    "alias.example": {"CNAME": "inside.example"},
    "both.example": {"A": [["10.0.0.1", "192.168.1.1"]], "AAAA": [["::1"]]},
    "127.0.0.1.wild.example": {"A": [["127.0.0.1"]]},
}
NAMES = [Form(f"the name {name}", f"http://{name}/", "127.0.0.1") for name in (
    "localhost", "LOCALHOST", "localhost.", "ip6-localhost", "printer", "inside.example", "InSide.Example.", "metadata.example",
    "six.example", "mapped.example", "nat64.example", "alias.example", "both.example", "127.0.0.1.wild.example",
    "ｌｏｃａｌｈｏｓｔ", "loc%61lhost")]
FORMS = [*LITERALS, *BROKEN, *NAMES]
CONTROLS = [f"http://{PUBLIC_4}/", f"http://[{PUBLIC_6}]/", "http://93.184.55330/", "http://0x5db8d822/", "http://９３.184.216.34/",
            "http://8.8.8.8:8080/", "http://[::ffff:8.8.8.8]/", "http://[2a00:1450::1]/", "http://news.example/", "http://news.ex%61mple/",
            "http://100.63.255.255/", "http://172.15.0.1/", "http://198.20.0.1/", "http://223.255.255.254/"]
PROXIES = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
                        "http://10.9.9.9:8080") | {"NO_PROXY": "", "no_proxy": ""}


STATUSES = (301, 302, 303, 307, 308)

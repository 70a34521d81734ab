"""Query parameters that say how a reader came, not what is read. Names are compared in lower case.

Every name of Miniflux' urlcleaner is here, and what large publishers put into the links of their feeds. A name
stands in `NAMES` only where no site is known to select content by it; else under its hosts in `OF_HOSTS`.
"""

from functools import lru_cache

PREFIXES = (
    "at_", "fb_", "gaa_", "guce_", "hsa_", "hsctatracking", "itm_", "matomo_", "mtm_", "ns_", "oly_", "piwik_", "pk_",
    "sfmc_", "utm_", "utm-", "vero_", "wt_", "wt-", "_hs", "__hs", "hmb_", "aspsessionid", "amp_", "stm_", "tt_medium", "tt_content",
)

_NAMES = """
    __s __tn__ __twitter_impression __source __readwiselocation _amp _bhlid _branch_match_id _branch_referrer _ga _gl _ke _openstat
    _unique_id action_object_map action_ref_map action_type_map adgroupid amp bcmt bxid
    campaign_content campaign_id campaign_medium campaign_name campaign_source campaign_term campaignid cfid cftoken ck_subscriber_id cmp cmpid cndid cvid dclid dcmp dicbo
    echobox efg elqtrack elqtrackid em_source embedded_webview emc epik esrc
    fbadid fbaid fbclid ftag ftcamp
    gad_source gbraid gclid gclsrc gdfms gps-source guccounter
    icid icn_ref ig_mid ig_rid igsh igshid int_cmp int_source intcid intcmp intcmpid irclickid isappinstalled
    itid ito jsessionid li_fat_id link_source maca mbid mc_cid mc_eid mc_tc mibextid mkt_tok ml_subscriber ml_subscriber_hash
    mkwid msclkid ncid newsletter_id nr_email_referer ocid
    pcrid phpsessid rb_clickid rdid ref ref_source ref_src ref_url referer referrer
    rss_id s_cid s_kwcid sara_ecid sc_cid sc_channel session_id sessionid sharetype
    smid smtyp spm spjobid spmailingid spreportid spuserid sr_share srsltid soc_src soc_trk sref srnd sthisfb
    taid tpcc traffic_source trk_contact trk_module trk_msg trk_sid ttclid twclid twsrc
    usqp wbraid wickedid wickedsource wpisrc wpmm wprov wtrid xtor xtcr yclid ymclid ysclid zanpid
"""
NAMES = frozenset(_NAMES.split())

# Parameters that track on these hosts (with every host below them) and may select content elsewhere.
OF_HOSTS: dict[str, frozenset[str]] = {
    domain: frozenset(names.split()) for domain, names in {
        "abc.net.au": "sf_channel",
        "apnews.com": "taid user_id",
        "bbc.co.uk": "post_id post_type link_location xtor intlink_from_url pinned_post_locator pinned_post_asset_id pinned_post_type",
        "bbc.com": "post_id post_type link_location xtor intlink_from_url pinned_post_locator pinned_post_asset_id pinned_post_type",
        "bloomberg.com": "leadsource in_source cmpid",
        "businessinsider.com": "op r ir",
        "cbc.ca": "__vfz cmp",
        "cnbc.com": "__source",
        "cnn.com": "cid hpt eref rss iref",
        "corriere.it": "refresh_ce refresh_cens",
        "dailymail.co.uk": "ns_mchannel ns_campaign ico",
        "economist.com": "fsrc bdcn",
        "facebook.com": "__xts__ eid hc_ref fref refsrc rdr _rdr mibextid paipv",
        "forbes.com": "sh ss",
        "foxnews.com": "cmpid intcmp",
        "ft.com": "segmentid desktop sharetype",
        "instagram.com": "img_index hl",
        "lemonde.fr": "lmd_medium lmd_campaign lmd_creation lmd_id",
        "marketwatch.com": "mod siteid dist link",
        "medium.com": "source sk gi",
        "msn.com": "cvid ei li pc form bepl",
        "nytimes.com": "_r partner rss feedname src smvar pagewanted referringsource campaign_id instance_id segment_id "
                       "user_id regi_id impression_id te nl emc",
        "reuters.com": "feedtype feedname rpc virtualbrandchannel il channelname",
        "rt.com": "social_share",
        "seattletimes.com": "syndication",
        "sina.com.cn": "from cre mod loc r rfunc tj tr wm vt",
        "sohu.com": "scm spm _trans_",
        "spiegel.de": "sara_ref",
        "substack.com": "r s triedredirect showwelcome publication_id post_id isfreemail token",
        "telegraph.co.uk": "li_source li_medium",
        "theguardian.com": "acquisitiondata reftype",
        "theverge.com": "mc",
        "time.com": "xid",
        "twitter.com": "s t lang",
        "washingtonpost.com": "tid ref hpid pwapi_token wpmk",
        "wsj.com": "mod st reflink siteid",
        "x.com": "s t lang",
        "yahoo.com": "soc_src soc_trk tsrc .tsrc guccounter",
        "youtube.com": "feature si pp ab_channel",
        "youtu.be": "feature si",
    }.items()
}

# Parameters that track when they have one of these values, or a value that begins so.
VALUES: dict[str, tuple[str, ...]] = {
    "source": ("rss", "feed", "newsletter", "twitter", "facebook", "email", "social", "share", "telegram", "whatsapp"),
    "src": ("rss", "feed", "twitter", "twsrc", "facebook"),
    "from": ("rss", "feed", "twitter", "facebook", "newsletter", "timeline", "singlemessage", "groupmessage"),
    "feed": ("rss", "atom"),
    "via": ("rss", "feed", "twitter", "facebook"),
    "partner": ("rss", "feed"),
    "rss": ("1", "true", "yes"),
    "share": ("twitter", "facebook", "email", "reddit", "telegram", "linkedin", "pinterest", "tumblr", "pocket", "whatsapp", "jetpack"),
    "cid": ("rss", "social", "twitter", "facebook"),
    # AMP forms of one page
    "output": ("amp",), "outputtype": ("amp",), "platform": ("amp",), "view": ("amp",), "mode": ("amp",), "layout": ("amp",),
    "type": ("amp",), "format": ("amp",), "noamp": ("mobile", "1", "true"),
}


def is_tracker(name: str, value: str, host: str) -> bool:
    """Whether a query parameter of a URL on `host` (punycode, no port) says nothing about the content."""
    lowered = name.lower()
    if lowered in NAMES or lowered.startswith(PREFIXES) or lowered in _names_of(host):
        return True
    return value.lower().startswith(VALUES.get(lowered, ())) if lowered in VALUES else False


@lru_cache(maxsize=4096)
def _names_of(host: str) -> frozenset[str]:
    labels = host.split(".")
    above = (".".join(labels[at:]) for at in range(len(labels)))
    return next((OF_HOSTS[domain] for domain in above if domain in OF_HOSTS), frozenset())

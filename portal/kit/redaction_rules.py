"""What counts as a secret or as personal data: one RE2 pattern per rule, its first group being what is taken out.

RE2 has no look-around and no back-references, and in return it takes linear time on hostile text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import re2

Judge = Callable[[str], bool]

# A name that ends like this holds a secret: DB_PASSWORD, client-secret, "apiKey", aws_secret_access_key, PGPASSWORD.
TELLING_NAME = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|community"
    r"|(?:api|access|secret|private|account|shared|encryption|signing|master|session|auth|service|storage|webhook"
    r"|license|deploy)[_.-]?key(?:[_.-]?(?:base|base64|data|value))?)"
)
NAME_BEFORE = r"(?:^|[^A-Za-z0-9])[A-Za-z0-9_.-]{0,60}?"
VALUE = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|<[^<>\n]{1,40}>|[^\s"']*[^\s"',;)}\]])"""

_YAML_DATA = r"^[ \t-]*(?:data|stringData):[ \t]*\n[ \t]+([^\s:]+:[^\n]*(?:\n[ \t]+\S[^\n]*)*?)"
_JSON_DATA = r'"(?:data|stringData)"\s*:\s*\{([^{}]*:[^{}]*)\}'


@dataclass(frozen=True, slots=True)
class Rule:
    """A name that appears in the placeholder, a pattern, and a second look at what the pattern found."""

    name: str
    pattern: Any
    holds: Judge


def luhn(text: str) -> bool:
    """True if the digits of the text pass the Luhn check of payment cards (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return sum(digits[-1::-2], sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """True if the text passes the mod-97 check of ISO 13616."""
    compact = text.replace(" ", "")
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def not_a_stand_in(text: str) -> bool:
    """False for what stands where a secret would: `null`, `****`, `<token>`, `${TOKEN}`, `{{ x }}`, /etc/key.pem."""
    return _STAND_IN.fullmatch(text.strip("\"'")) is None


def not_a_unit(text: str) -> bool:
    """False for what only looks like an address: login@host, a systemd unit, a package file."""
    return _NO_ADDRESS.fullmatch(text) is None


def _rule(name: str, pattern: str, holds: Judge = lambda _: True) -> Rule:
    return Rule(name, re2.compile(pattern), holds)


_STAND_IN = re2.compile(
    r"(?i)|null|none|nil|true|false|undefined|required|changeme|x{3,}|\*+|\.{3}|<[^>]*>|\$\{?\w+\}?|\$\(.*|\$\{\{.*"
    r"|\{\{.*|%\w+%|/(?:etc|var|run|home|root|opt|usr|srv|mnt|tmp|data|app|secrets)(?:/[\w.@-]+)*/?"
)
_NO_ADDRESS = re2.compile(
    r"(?i)(?:root|git|ubuntu|debian|centos|ec2-user|core|postgres|ansible)@.*"
    r"|.*\.(?:service|socket|timer|mount|target|slice|scope|path|device|swap|tgz|gz|zip|whl|deb|rpm|js|json|yaml|yml)"
)

RULES: tuple[Rule, ...] = (
    # Tokens that tell by their own form.
    _rule(
        "private-key",
        r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z))",
    ),
    _rule("age-key", r"\b(AGE-SECRET-KEY-1[A-Z0-9]{58})"),
    _rule("aws-access-key", r"\b((?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z2-7]{16})\b"),
    _rule("github-token", r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})"),
    _rule("gitlab-token", r"\b(gl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_.-]{20,})"),
    _rule("slack-token", r"\b(xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,})"),
    _rule("slack-webhook", r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_+-]{20,})"),
    _rule("model-key", r"\b(sk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,})"),
    _rule("google-key", r"\b(AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})"),
    _rule("payment-key", r"\b((?:sk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,})"),
    _rule("registry-token", r"\b(npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{60,}|dckr_pat_[A-Za-z0-9_-]{20,})"),
    _rule("vault-token", r"\b(hv[sbr]\.[A-Za-z0-9_-]{24,})"),
    _rule("cloud-token", r"\b(do[opr]_v1_[a-f0-9]{64}|dapi[a-f0-9]{32}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})"),
    _rule("portal-token", r"\b(cs_[A-Za-z0-9_-]{20,})"),
    _rule("jwt", r"\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?)"),
    _rule(
        "password-hash",
        r"""(\$(?:1|2[abxy]?|5|6|7|y|argon2(?:id|i|d)|scrypt|pbkdf2-sha\d+)\$[^\s:"',]{20,})""",
    ),
    # The data of a Kubernetes Secret, in YAML and JSON, before its kind (as kubectl prints it) and after it.
    _rule("kubernetes-secret", rf"(?m){_YAML_DATA}\n[ \t]*kind:[ \t]*Secret\b"),
    _rule("kubernetes-secret", rf"(?m)^[ \t-]*kind:[ \t]*Secret\b(?s:.*?){_YAML_DATA}(?:\n\S|\z|\n\z)"),
    _rule("kubernetes-secret", rf'{_JSON_DATA}[^{{}}]*"kind"\s*:\s*"Secret"'),
    _rule("kubernetes-secret", rf'"kind"\s*:\s*"Secret"(?s:.*?){_JSON_DATA}'),
    # Secrets that tell by where they stand: in an address, in a header, behind a name.
    _rule("url-password", r"""[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"'<>]*:([^\s/"'<>?#]+)@""", not_a_stand_in),
    _rule("url-token", r"""[a-zA-Z][a-zA-Z0-9+.-]*://([^\s/:@"'<>]{16,})@""", not_a_stand_in),
    _rule("dsn-password", r"""\b[A-Za-z0-9_.-]+:([^\s@:/"']+)@(?:tcp|unix|udp)\("""),
    _rule("url-signature", r"""(?i)[?&](?:[a-z0-9_-]*signature|sig|key)=([^\s&"'<>#]{6,})""", not_a_stand_in),
    _rule(
        "authorization",
        r"""(?i)\bauthorization["']?[ \t]*[:=][ \t]*["']?(?:[a-z][a-z0-9_-]*[ \t]+)?([^\s"',]+)""",
        not_a_stand_in,
    ),
    _rule("bearer", r"""(?i)\bbearer[ \t]+([A-Za-z0-9._~+/=-]{12,})"""),
    _rule("cookie", r"""(?i)\b(?:set-)?cookie["']?[ \t]*:[ \t]*["']?([^\s"';=]+=[^\r\n"']*)"""),
    _rule("network-device", r"""(?i)\b(?:password|secret|key|md5|hex-key)[ \t]+[05789][ \t]+([^\s"']+)"""),
    _rule("snmp-community", r"""(?i)\b(?:snmp-server[ \t]+community|r[ow]community6?)[ \t]+([^\s"']+)"""),
    _rule("option-secret", rf"""(?i)(?:^|\s)--?(?:[a-z0-9-]{{0,30}}-)?{TELLING_NAME}[ \t]+{VALUE}""", not_a_stand_in),
    _rule("sql-password", r"""(?i)\b(?:identified[ \t]+by|password)[ \t]+("[^"\n]+"|'[^'\n]+')"""),
    _rule("login-password", r"""(?i)\blogin[ \t]+\S+[ \t]+password[ \t]+(\S+)"""),
    _rule("redis-password", r"""(?m)(?:^|[ \t>])(?:requirepass|masterauth|AUTH)[ \t]+([^\s"'\[:]{6,})[ \t]*$"""),
    _rule(
        "user-password",
        r"""\b(?:curl|wget|http)\b[^\n|;]*?[ \t](?:-u|--user)[ \t=]*["']?[^\s:"']+:([^\s"']+)""",
        not_a_stand_in,
    ),
    _rule(
        "client-password",
        r"""\b(?:mysql|mysqldump|mysqladmin|mariadb)\b(?:[^\n|;]*?[ \t])-p("[^"\n]+"|'[^'\n]+'|[^\s"'-]\S*)""",
        not_a_stand_in,
    ),
    _rule("client-password", r"""\bsshpass[ \t]+-p[ \t]*("[^"\n]+"|'[^'\n]+'|[^\s"']+)""", not_a_stand_in),
    _rule("element-secret", rf"""(?i)<[a-z0-9_.:-]{{0,60}}?{TELLING_NAME}>([^<\s][^<]*)<""", not_a_stand_in),
    _rule(
        "named-secret", rf"""(?i){NAME_BEFORE}{TELLING_NAME}["']?[ \t]*(?::=|=>|[:=])[ \t]*{VALUE}""", not_a_stand_in
    ),
    # Personal data.
    _rule(
        "payment-card",
        r"(?:^|[^0-9A-Za-z.:_/-])((?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6(?:011|5\d\d))(?:[ -]?\d{4}){3}"
        r"|3[47]\d\d[ -]?\d{6}[ -]?\d{5})(?:[^0-9A-Za-z_-]|$)",
        luhn,
    ),
    _rule("iban", r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b", iban),
    _rule("email", r"([A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})\b", not_a_unit),
)

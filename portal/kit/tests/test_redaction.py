"""Planted secrets never leave, harmless text is left alone, and whatever goes wrong the text stays here."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit import redaction
from portal.kit.redaction import RedactionFailed, redact
from portal.kit.redaction_rules import RULES

A36 = "aZ3kQ9vB7mX2cN8tL5wR1yU6pD4sF0hJgKeT"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nx9v+Qw==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

# (rule, text around it with {} for the secret, the secret)
PLANTED: list[tuple[str, str, str]] = [
    ("private-key", "key:\n{}\nend", KEY),
    ("private-key", "cut off: {}", KEY[:60]),
    ("private-key", "{}", KEY.replace("RSA ", "OPENSSH ")),
    ("private-key", "{}", KEY.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK")),
    ("private-key", "{}", KEY.replace("\n", "\r\n")),
    ("age-key", "identity {}", "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" + "QPZRY9X8GF2TVDW0S3JN54KHCE"),
    ("aws-access-key", "id {} used", "AKIAIOSFODNN7EXAMPLE".replace("1", "2")),
    ("aws-access-key", "id={}", "ASIAQWERTYUIOPASDFGH"),
    ("github-token", "git clone with {}", "ghp_" + A36),
    ("github-token", "x{{{}}}", "github_pat_" + A36 + A36),
    ("gitlab-token", "PRIVATE: {}", "glpat-" + A36[:20]),
    ("slack-token", "slack {}", "xoxb-123456789012-abcdefghijkl"),
    ("slack-webhook", "https://hooks.slack.com/services/{}", "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"),
    ("model-key", "used {}", "sk-ant-api03-" + A36),
    ("model-key", "used {}", "sk-proj-" + A36),
    ("model-key", "used {}", "hf_" + A36),
    ("google-key", "maps {}", "AIza" + A36[:35]),
    ("google-key", "oauth {}", "ya29." + A36),
    ("payment-key", "stripe {}", "sk_live_" + A36[:24]),
    ("registry-token", "npm {}", "npm_" + A36),
    ("registry-token", "pypi {}", "pypi-AgEIcHlwaS5vcmc" + A36 + A36),
    ("vault-token", "vault {}", "hvs." + A36),
    ("cloud-token", "do {}", "dop_v1_" + "0123456789abcdef" * 4),
    ("cloud-token", "mail {}", "SG." + A36[:22] + "." + A36),
    ("portal-token", "curl with {}", "cs_" + A36),
    ("jwt", "session {} expired", JWT),
    ("password-hash", "root:{}:19000:0", "$6$rounds=5000$saltsalt$" + A36 + A36),
    ("password-hash", "hash {}", "$2b$12$" + A36 + A36[:17]),
    ("password-hash", "hash {}", "$argon2id$v=19$m=65536$" + A36),
    ("url-password", "postgres://app:{}@db-1:5432/orders", "hunter2"),
    ("url-password", "redis://:{}@cache:6379/0", "s3cr3t"),
    ("url-password", "amqp://user:{}@mq", "p@ss:word"),
    ("url-password", "https://bob:{}@git.example/x.git and more", "q9"),
    ("url-token", "https://{}@git.example/x.git", A36),
    ("dsn-password", "app:{}@tcp(10.0.0.1:3306)/db", "hunter2"),
    ("url-signature", "https://blob/x?sv=2024&sig={}&se=1", "abcDEF123%2B"),
    ("url-signature", "https://s3/x?X-Amz-Signature={}", "0123456789abcdef"),
    ("authorization", "Authorization: Basic {}", "dXNlcjpwYXNzd29yZA=="),
    ("authorization", "curl -H 'authorization: {}' https://x", "Zm9vYmFy"),
    ("authorization", '{{"Authorization": "ApiKey {}"}}', "Zm9vYmFyYmF6"),
    ("bearer", "sent bearer {} twice", "abcdefghijklmnop.qrst"),
    ("cookie", "Cookie: {}", "sessionid=abc; csrftoken=def"),
    ("cookie", "< Set-Cookie: {}", "sid=31d4d96e407aad42; Path=/; HttpOnly"),
    ("network-device", "username admin password 7 {}", "0822455D0A16"),
    ("network-device", "enable secret 9 {}", "$9$nhEmQVczB7dqsO$X.HsgL6x"),
    ("network-device", "tacacs-server key 7 {}", "070C285F4D06"),
    ("snmp-community", "snmp-server community {} RO", "publ1c"),
    ("sql-password", "CREATE USER app IDENTIFIED BY {};", "'hunter2'"),
    ("sql-password", "ALTER ROLE app WITH PASSWORD {};", "'hunter 2'"),
    ("login-password", "machine git.example login bob password {}", "hunter2"),
    ("redis-password", "requirepass {}", "foobared1"),
    ("redis-password", "redis> AUTH {}", "foobared1"),
    ("option-secret", "tool --password {} --host x", "hunter2"),
    ("option-secret", "tool --db-password {}", "'two words'"),
    ("option-secret", "vault login -token {}", "abc"),
    ("user-password", "curl -s -u admin:{} https://x", "hunter2"),
    ("client-password", "mysqldump -uroot -p{} orders", "hunter2"),
    ("client-password", "sshpass -p {} ssh web-1", "hunter2"),
    ("element-secret", "<db><password>{}</password></db>", "hunter2"),
    ("named-secret", "password={}", "hunter2"),
    ("named-secret", "password: {}", "hunter2"),
    ("named-secret", "PGPASSWORD={} psql", "hunter2"),
    ("named-secret", "export MYSQL_PWD='{}'", "hunter 2"),
    ("named-secret", '{{"client_secret": "{}", "id": 3}}', 'a\\"b c'),
    ("named-secret", "api-key => {}", "abc123"),
    ("named-secret", "apiKey:{}", "abc123"),
    ("named-secret", "X-Api-Key: {}", "abc123"),
    ("named-secret", "aws_secret_access_key = {}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("named-secret", "https://x/?access_token={}", "abc123"),
    ("named-secret", "Server=db;User Id=sa;Password={}", "a,b;c&d"),
    ("named-secret", "AccountKey={}", "bXkga2V5IG1hdGVyaWFs=="),
    ("named-secret", "spring.datasource.password={}", "hunter2"),
    ("named-secret", "DJANGO_SECRET_KEY: '{}'", "django-insecure-#1$2"),
    ("named-secret", "passphrase := {}", "geheim"),
    ("named-secret", "token: {}", "0123456789"),
    ("payment-card", "card {} declined", "4111 1111 1111 1111"),
    ("payment-card", "card {} declined", "5555-5555-5555-4444"),
    ("payment-card", "pan={}", "378282246310005"),
    ("iban", "paid to {} today", "DE89 3704 0044 0532 0130 00"),
    ("iban", "IBAN {}", "GB82WEST12345698765432"),
    ("email", "mail from {}.", "alice.o-hara+ops@mail.example.com"),
    ("email", "<{}>", "bob@example.org"),
]

HARMLESS = [
    "",
    "no secrets here, only words",
    "commit 3f786850e387550fdaffd99aeb4b9f0f5a7e2b1c by the build",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "uid 7f3c9a52-11cd-4b8e-9d0b-5a2c1f3e4d5b",
    "payments-7d9c6b5f4-x2x9k  1/1  Running",
    "image registry.example.com/shop/cart@sha256:e3b0c44298fc1c149afbf4c8996fb924",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "2026-11-21T09:12:44.123456Z host-3 kubelet[812]: took 1.2s, 98% of 16G",
    "epoch 1795252364123 and 1795252364123456 and 1795252364123456789",
    "10.1.2.3:5432, fe80::1ff:fe23:4567:890a, 00:1b:44:11:3a:b7",
    "GigabitEthernet1/0/24 4111111111111112 input errors",
    "serial 1234567890123456 part 4000-1234-5678-9010",
    "token_count=5 max_tokens: 4000 tokens=3",
    "secretName: tls-cert\nsecretKeyRef:\n  name: db",
    "password=${DB_PASSWORD} token=$TOKEN secret={{ vault.secret }} api_key=<your key>",
    "password: null\npassword: ''\ntoken: ****",
    "ssl_private_key: /etc/ssl/private/web.pem",
    "PWD=/home/app OLDPWD=/var/log",
    "getty@tty1.service, user@1000.service, wg-quick@wg0.service",
    "ssh root@web-1.example.com, git@github.com:org/repo.git",
    "http://10.0.0.10:8080/path?next=/me@home",
    "primary_key=id partition_key=tenant cache-key: v1",
    "the key fact: the disk is full",
    "cookies: enabled",
    "kubectl get secret -n shop",
    "mkdir -p /var/log/app && mysql -e 'select 1'",
    "DE89 3704 0044 0532 0130 01 has a bad checksum",
    "lodash@4.17.21 and react@18.2.0",
    "journalctl -u nginx.service --since 10:00",
]


@pytest.mark.parametrize(("rule", "frame", "secret"), PLANTED, ids=[f"{row[0]}-{i}" for i, row in enumerate(PLANTED)])
def test_a_planted_secret_does_not_leave(rule: str, frame: str, secret: str) -> None:
    redacted = redact(frame.format(secret))
    assert secret.strip("'") not in redacted.text
    assert f"[redacted:{rule}]" in redacted.text
    assert dict(redacted.findings)[rule] == 1
    before, after = frame.format("\0").split("\0")
    assert redacted.text.startswith(before)
    assert redacted.text.endswith(after)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert redact(text) == redaction.Redacted(text, ())


def test_one_pass_over_a_text_names_the_rules_that_match_it() -> None:
    planted = [frame.format(secret) for _, frame, secret in PLANTED]
    for text in [*planted, *HARMLESS, "\n".join(planted), ""]:
        matching = [rule for rule in RULES if rule.pattern.search(text)]
        assert redaction._suspicions(text) == matching


def test_secrets_are_found_in_the_middle_of_a_long_log() -> None:
    pick = random.Random(7)  # noqa: S311 - the same shuffle every time
    lines = [line for line in HARMLESS if line for _ in range(20)]
    planted = [(frame.format(secret), secret) for _, frame, secret in PLANTED if "\n" not in secret]
    lines += [line for line, _ in planted]
    pick.shuffle(lines)
    redacted = redact("\n".join(lines)).text
    assert [secret for _, secret in planted if len(secret) > 3 and secret in redacted] == []
    assert all(line in redacted for line in HARMLESS)


pieces = st.lists(
    st.sampled_from([frame.format(secret) for _, frame, secret in PLANTED])
    | st.sampled_from(HARMLESS)
    | st.sampled_from(["[redacted:email]", "password=", '"', "'", " ", "\n", "@", "://", ":", "token: "])
    | st.text(max_size=12),
    max_size=8,
)


@given(pieces)
def test_redacting_twice_changes_nothing(parts: list[str]) -> None:
    once = redact("".join(parts))
    assert redact(once.text) == redaction.Redacted(once.text, ())


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_can_be_redacted(text: str) -> None:
    redact(text)


YAML_SECRET = """apiVersion: v1
data:
  db: aHVudGVyMg==
  ca.crt: |
    bXVsdGk=
kind: Secret
metadata:
  name: db
"""
JSON_SECRET = (
    """{"apiVersion": "v1", "data": {"db": "aHVudGVyMg==", "x": "bXVsdGk="}, "kind": "Secret", "type": "Opaque"}"""
)
WRITTEN_SECRET = """kind: Secret
metadata:
  name: db
stringData:
  db: aHVudGVyMg==
data:
  x: bXVsdGk=
---
kind: ConfigMap
data:
  level: debug
"""
JSON_WRITTEN = '{"kind":"Secret","stringData":{"db":"aHVudGVyMg=="},"data":{"x":"bXVsdGk="}}'
LISTED_SECRETS = """items:
- apiVersion: v1
  data:
    db: aHVudGVyMg==
  kind: Secret
- apiVersion: v1
  data:
    x: bXVsdGk=
  kind: Secret
"""


@pytest.mark.parametrize("text", [YAML_SECRET, JSON_SECRET, WRITTEN_SECRET, JSON_WRITTEN, LISTED_SECRETS])
def test_the_data_of_a_kubernetes_secret_does_not_leave(text: str) -> None:
    redacted = redact(f"before\n{text}\nafter").text
    assert "aHVudGVyMg" not in redacted
    assert "bXVsdGk" not in redacted
    assert "[redacted:kubernetes-secret]" in redacted
    assert redacted.startswith("before\n")
    assert redacted.endswith("\nafter")
    assert "Secret" in redacted


def test_a_config_map_is_left_alone() -> None:
    text = "apiVersion: v1\ndata:\n  level: debug\nkind: ConfigMap\n"
    assert redact(text).text == text


def test_an_existing_placeholder_stays_as_it_is() -> None:
    text = "password=[redacted:named-secret] Authorization: Basic [redacted:authorization] '[redacted:known-secret]'"
    assert redact(text) == redaction.Redacted(text, ())


def test_what_is_glued_to_a_placeholder_does_not_leave_with_it() -> None:
    assert "hunter2" not in redact("password=[redacted:named-secret]hunter2").text


def test_text_around_a_secret_stays_readable() -> None:
    text = 'db {"user": "app", "password": "hunter2", "host": "db-1"} failed'
    assert redact(text).text == 'db {"user": "app", "password": "[redacted:named-secret]", "host": "db-1"} failed'


def test_findings_are_counted_by_rule() -> None:
    assert redact("a@b.example c@d.example password=x1").findings == (("email", 2), ("named-secret", 1))


def test_secrets_of_the_product_are_found_wherever_they_stand() -> None:
    known = ("abcdef123456", "abcdef", "abc")
    redacted = redact("xabcdef123456y abcdef abc", known=known)
    assert redacted.text == "x[redacted:known-secret]y [redacted:known-secret] abc"
    assert redacted.findings == (("known-secret", 2),)


def test_whatever_goes_wrong_the_text_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> str:
        raise ValueError("password=hunter2")

    monkeypatch.setattr(redaction, "_apply", breaks)
    with pytest.raises(RedactionFailed) as failure:
        redact("password=hunter2")
    assert "hunter2" not in str(failure.value)
    assert failure.value.__cause__ is None


def test_text_that_cannot_be_encoded_fails_closed() -> None:
    with pytest.raises(RedactionFailed):
        redact("password=hunter2 \ud800")

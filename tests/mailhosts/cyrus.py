"""A real Cyrus 3.10 from Debian 13, unpacked beside (never installed) and run by root in a chroot of its own.

Its tree is unpacked once into ~/.cache/locum-tests (Debian 12's own 3.6 crashes on vacations) and shared by all runs;
what a run writes lies in its own folder, mounted at /lab of the tree in a mount and process namespace of its own, so
that nothing is left mounted or running, whatever ends the test. Where it cannot be had, the tests that need it skip.
"""

import contextlib
import fcntl
import imaplib
import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import pytest

from locum.demo.host import LOOPBACK, HostTrouble, Sink, free_port

PACKAGES = "cyrus-imapd,cyrus-caldav,sasl2-bin,libsasl2-modules,bash,coreutils"
PASSWD = "root:x:0:0:root:/root:/bin/bash\ncyrus:x:8000:8:Cyrus:/lab:/bin/bash\n"
GROUP = "root:x:0:\nmail:x:8:cyrus\n"

SERVICES = """\
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C /lab/imapd.conf -r"
}}
SERVICES {{
  imap cmd="/usr/lib/cyrus/bin/imapd -C /lab/imapd.conf -U 30" listen="127.0.0.1:{imap_port}" prefork=0
  search cmd="/usr/lib/cyrus/bin/imapd -C /lab/imapd.conf -U 30" listen="127.0.0.1:{search_port}" prefork=0
  sieve cmd="/usr/lib/cyrus/bin/timsieved -C /lab/imapd.conf" listen="127.0.0.1:{sieve_port}" prefork=0
  http cmd="/usr/lib/cyrus/bin/httpd -C /lab/http.conf" listen="127.0.0.1:{http_port}" prefork=0
  locum cmd="/usr/lib/cyrus/bin/httpd -C /lab/imapd.conf" listen="127.0.0.1:{jmap_port}" prefork=0
  locums cmd="/usr/lib/cyrus/bin/httpd -s -C /lab/imapd.conf" listen="127.0.0.1:{jmaps_port}" prefork=0
  lmtp cmd="/usr/lib/cyrus/bin/lmtpd -a -C /lab/imapd.conf" listen="127.0.0.1:{lmtp_port}" prefork=0
}}
"""

SETTINGS = """\
configdirectory: /lab/var/conf
partition-default: /lab/var/spool
defaultpartition: default
sievedir: /lab/var/sieve
idlesocket: /lab/var/socket/idle
lmtpsocket: /lab/var/socket/lmtp
notifysocket: /lab/var/socket/notify
proc_path: /lab/var/proc
mboxname_lockpath: /lab/var/lock
admins: admin
{proxies}
{accounts}
virtdomains: userid
defaultdomain: lab.test
unixhierarchysep: yes
altnamespace: yes
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /lab/var/sasldb2
search_sasl_sasldb_path: /lab/var/sasldb-search
sasl_mech_list: PLAIN
httpmodules: jmap caldav carddav
conversations: yes
conversations_db: twoskip
sendmail: /usr/sbin/sendmail
smtp_backend: host
smtp_host: 127.0.0.1:{relay_port}
search_engine: xapian
defaultsearchtier: t1
t1searchpartition-default: /lab/var/search
syslog_prefix: cyr
servername: localhost
specialusealways: 1
failedloginpause: 0
{tls}
{extra}
"""

# lets httpd accept Authorize-As from a proxy user; an empty value would be fatal
HTTP = "mupdate_server: localhost\nmupdate_authname: x\nmupdate_password: y\n"
PAGE = Path(__file__).parent.parent.parent / "docs" / "connectors" / "jmap.md"
TLS = "tls_server_cert: /lab/server.pem\ntls_server_key: /lab/server.key\nallowstarttls: on\n"  # off by default since 3.10.2


def of_the_page() -> str:
    """The lines of docs/connectors/jmap.md for the service `locum`, and the same for `locums`."""
    lines = PAGE.read_text("utf-8").partition("```imapd.conf\n")[2].partition("```")[0]
    here = lines.replace("/var/lib/cyrus/", "/lab/var/")
    return here + here.replace("locum_", "locums_")


FOLDERS = "spool sieve run socket proc lock search".split()
CONFIGURED = "db socket proc log msg ptclient user lock quota".split()


def tree() -> Path:
    """The unpacked tree, from the cache. Skips the test, saying why, where it cannot be had."""
    if os.geteuid() != 0:
        pytest.skip("Cyrus runs in a chroot, which needs root")
    missing = [name for name in ("mmdebstrap", "unshare", "chroot", "mount") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"Cyrus is unpacked and run with {', '.join(missing)}, which is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "locum-tests"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "cyrus.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = cache / "cyrus-trixie"
        if not place.exists():
            _unpack(place)
    return place


def _unpack(place: Path) -> None:
    fresh = place.with_name("cyrus-trixie.new")
    shutil.rmtree(fresh, ignore_errors=True)
    command = ["mmdebstrap", "--variant=extract", "--mode=root", f"--include={PACKAGES}", "trixie", str(fresh)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        pytest.skip("Cyrus could not be fetched from Debian within five minutes")
    if done.returncode != 0:
        pytest.skip(f"Cyrus could not be fetched from Debian: {done.stderr.strip()[-200:]}")
    (fresh / "etc/passwd").write_text(PASSWD)
    (fresh / "etc/group").write_text(GROUP)
    (fresh / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (fresh / "lab").mkdir()
    fresh.rename(place)


class Cyrus:
    """A Cyrus with IMAP, ManageSieve, JMAP and LMTP on free loopback ports. Use as a context manager.

    In: `users` (user to password), `proxies` (who may act for others, to password), `proxies_everywhere` (as Cyrus'
    documentation has it; otherwise they are proxies, and known at all, for ManageSieve alone), `jmap_proxies` (for the services `locum`, http,
    and `locums`, https, as docs/connectors/jmap.md has it: JMAP alone, `locum` alone), `certificate` and `key` (PEM files, for STARTTLS), `extra`.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str],
        proxies: Mapping[str, str] | None = None,
        jmap_proxies: Mapping[str, str] | None = None,
        proxies_everywhere: bool = False,
        certificate: Path | None = None,
        key: Path | None = None,
        extra: str = "",
    ) -> None:
        self.users, self.proxies, self.extra = dict(users), dict(proxies or {}), extra
        self.jmap_proxies = dict(jmap_proxies or {})
        self.proxies_everywhere, self.certificate, self.key = proxies_everywhere, certificate, key
        self.search_port = self.imap_port = self.sieve_port = self.lmtp_port = self.http_port = 0
        self.jmap_port = self.jmaps_port = 0
        self.folder = Path()
        self.sink = Sink()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._tree = tree()
        self.folder = Path(tempfile.mkdtemp(prefix="locum-cyrus-"))
        self.folder.chmod(0o711)
        self.sink.__enter__()
        try:
            self._furnish()
            self._start()
            for user in self.users:
                self.create_mailbox(user)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()  # with it goes the first process of its namespace, and so all others
            self._process.wait(10)
        self.sink.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_mailbox(self, user: str) -> None:
        with self.imap("admin", "admin") as client:
            status, said = client.create(f'"user/{user}"')
            if status != "OK":
                raise HostTrouble(f"CREATE user/{user}: {said!r}")

    @contextlib.contextmanager
    def imap(self, user: str, password: str) -> Iterator[imaplib.IMAP4]:
        """An IMAP session."""
        client = imaplib.IMAP4(LOOPBACK, self.imap_port, timeout=20)
        try:
            client.login(user, password)
            yield client
        finally:
            client.shutdown()

    def inside(self, *command: str) -> list[str]:
        """A command of this machine's, as it is run where Cyrus' processes and folders are those that Cyrus itself sees."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return ["nsenter", "--target", children[0], "--pid", "--mount", "--", *command]

    def program(self, name: str) -> str:
        """A program of Cyrus' own tree, to be called inside."""
        file = self.folder / Path(name).name
        file.write_text(f'#!/bin/sh\nexec chroot "{self._tree}" {name} "$@"\n')
        file.chmod(0o755)
        return str(file)

    def deliver(self, sender: str, recipient: str, message: bytes) -> None:
        """Deliver by LMTP; what Cyrus sent out because of it has been sent on return."""
        content = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        with smtplib.LMTP(LOOPBACK, self.lmtp_port, timeout=30) as client:
            client.sendmail(sender, [recipient], content)

    def _furnish(self) -> None:
        for name in _PORTS:
            setattr(self, name, free_port())
        for name in (*FOLDERS, *(f"conf/{name}" for name in CONFIGURED)):
            (self.folder / "var" / name).mkdir(parents=True)
        settings = SETTINGS.format(
            proxies=f"{'' if self.proxies_everywhere else 'sieve_'}proxyservers: {' '.join(self.proxies) or 'nobody'}",
            accounts="" if self.proxies_everywhere else "sieve_sasl_sasldb_path: /lab/var/sasldb-sieve",
            relay_port=self.sink.port,
            tls=TLS if self.certificate else "",
            extra=self.extra + (of_the_page() if self.jmap_proxies else ""),
        )
        (self.folder / "imapd.conf").write_text(settings)
        (self.folder / "http.conf").write_text(settings + HTTP)
        (self.folder / "cyrus.conf").write_text(SERVICES.format(**{n: getattr(self, n) for n in _PORTS}))
        if self.certificate and self.key:
            shutil.copy(self.certificate, self.folder / "server.pem")
            shutil.copy(self.key, self.folder / "server.key")
        known = {**self.users, "admin": "admin"}
        self._write_accounts("sasldb2", known | (self.proxies if self.proxies_everywhere else {}))
        self._write_accounts("sasldb-sieve", known | self.proxies)
        self._write_accounts("sasldb-locum", self.jmap_proxies)
        (self.folder / "start").write_text(START)

    def _write_accounts(self, database: str, accounts: Mapping[str, str]) -> None:
        lines = [f"{database} {name} {secret}\n" for name, secret in accounts.items()]
        with (self.folder / "accounts").open("a") as file:
            file.writelines(lines)

    def _start(self) -> None:
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-euc"]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command, ENTER, "enter", str(self._tree), str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._await(self.imap_port)
        self._await(self.sieve_port)

    def _await(self, port: int) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until and self._process is not None and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 5) as probe:
                probe.settimeout(10)
                if probe.recv(1):
                    return
            time.sleep(0.05)
        raise HostTrouble(f"Cyrus does not answer on port {port}: {(self.folder / 'output').read_text()[-1500:]}")


_PORTS = ("imap_port", "search_port", "sieve_port", "lmtp_port", "http_port", "jmap_port", "jmaps_port")

ENTER = """\
mount --bind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/lab"
exec chroot "$1" /bin/bash -eu /lab/start
"""

START = """\
PATH=/usr/sbin:/usr/bin:/sbin:/bin
while read -r database name secret; do
  case $name in
    *@*) realm=${name#*@} ;;
    *) realm=localhost ;;
  esac
  printf %s "$secret" | saslpasswd2 -p -c -f "/lab/var/$database" -u "$realm" "${name%%@*}"
done < /lab/accounts
printf none | saslpasswd2 -p -c -f /lab/var/sasldb-search -u localhost none
saslpasswd2 -d -f /lab/var/sasldb-search -u localhost none
chown -R cyrus:mail /lab/var
if [ -f /lab/server.key ]; then chown cyrus:mail /lab/server.key /lab/server.pem; fi
# not in its place: whoever changes its user, as master does, no longer ends with its parent; this shell does, and all with it
/usr/lib/cyrus/bin/master -C /lab/imapd.conf -M /lab/cyrus.conf -p /lab/var/master.pid -D &
wait
"""

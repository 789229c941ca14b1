"""A name server on loopback that knows what a test tells it: MX and SRV, in the real wire format."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rrset


@contextmanager
def nameserver(records: Mapping[tuple[str, str], list[str]]) -> Iterator[int]:
    """Serve these records, by (name, type), and give the port. What is not among them does not exist."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(door, records), daemon=True)
        thread.start()
        yield door.getsockname()[1]
        door.sendto(b"", door.getsockname())
        thread.join()


def _serve(door: socket.socket, records: Mapping[tuple[str, str], list[str]]) -> None:
    while True:
        asked, who = door.recvfrom(4096)
        if not asked:
            return
        question = dns.message.from_wire(asked)
        answer = dns.message.make_response(question)
        name = question.question[0].name
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        found = records.get((name.to_text(omit_final_dot=True), kind))
        if found is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *found))
        door.sendto(answer.to_wire(), who)

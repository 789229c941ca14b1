"""Run by test_witness_others.py with aics-tlog and aics-witness: a log of theirs is shown to a witness of ours by their client.

aics_feeding.py WITNESS-URL WITNESS-KEY SEED-OF-THE-LOG ORIGIN
"""

import json
import sys

from aics_tlog import Checkpoint, MerkleTree, sign_checkpoint
from aics_witness.feeder import WitnessAhead, WitnessClient, WitnessRejected, merge_cosignatures
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

url, witness_key, seed, origin = sys.argv[1:]
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))


def note(tree, size):
    return sign_checkpoint(Checkpoint(origin=origin, size=size, root=tree.root(size)), key, origin).to_bytes()


tree = MerkleTree([b"%d" % n for n in range(500)])
client = WitnessClient(url, witness_key)
found = {"cosigned": [], "fork": 0, "behind": 0}
for size in (3, 100, 300):
    line = client.submit(note(tree, size), tree.consistency_proof)
    found["cosigned"].append(size)
found["note"] = merge_cosignatures(note(tree, 300), line).decode()
forked = MerkleTree([b"%d!" % n for n in range(500)])
try:
    client.submit(note(forked, 400), forked.consistency_proof)
except WitnessRejected as refused:
    found["fork"] = refused.status
try:
    WitnessClient(url, witness_key).submit(note(tree, 100), tree.consistency_proof)
except WitnessAhead as ahead:
    found["behind"] = ahead.known_size
print(json.dumps(found))

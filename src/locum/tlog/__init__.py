"""The tree over the record, checkpoints and proofs, in the formats of RFC 6962 and C2SP. Pure: made and verified without a store.

tree.py has hashes and roots, proofs.py inclusion and consistency, notes.py checkpoints and signed notes, cosignatures.py what
witnesses put under them. What must not live here: entries (entry.py), tables (store.py), any secret key (signer.py).
"""

from locum.tlog.cosignatures import cosignature_line, cosigned_at, lines_of, to_cosign, with_signatures
from locum.tlog.notes import Checkpoint, key_id, parse_checkpoint, verify
from locum.tlog.proofs import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from locum.tlog.tree import EMPTY_ROOT, HASH_BYTES, Frontier, leaf_hash, node_hash, root

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "Checkpoint",
    "Frontier",
    "consistency_proof",
    "cosignature_line",
    "cosigned_at",
    "inclusion_proof",
    "key_id",
    "leaf_hash",
    "lines_of",
    "node_hash",
    "parse_checkpoint",
    "root",
    "to_cosign",
    "verify",
    "verify_consistency",
    "verify_inclusion",
    "with_signatures",
]

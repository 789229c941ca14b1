"""A witness: a small program of its own, for the works council or the data protection officer, on a machine of theirs.

It sees the log's checkpoints and nothing else. It signs one only where the log goes on from what it signed before, and keeps
what proves the contrary. judging.py decides, notebook.py remembers, evidence.py keeps, serving.py answers over the network,
beginning.py opens it all. What must not live here: anything of Locum's desk, store, policy or settings; it needs none.
"""

from locum.witness.beginning import open_witness
from locum.witness.evidence import Evidence, evidence_in
from locum.witness.judging import Answer, Witness
from locum.witness.serving import serve

__all__ = ["Answer", "Evidence", "Witness", "evidence_in", "open_witness", "serve"]

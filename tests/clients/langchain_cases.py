"""LangChain's Milvus store against a running server, with vectors of a small deterministic embedding.

    langchain_cases.py ADDRESS

Last line: 'N passed, N failed'.
"""
import hashlib
import sys
import traceback

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_milvus import Milvus

ADDRESS = sys.argv[1]


class Hashed(Embeddings):
    """A text is the sum of a fixed random vector for each of its words."""

    def embed_query(self, text):
        total = np.zeros(32)
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
            total += np.random.default_rng(seed).standard_normal(32)
        return (total / max(1e-9, np.linalg.norm(total))).tolist()

    def embed_documents(self, texts):
        return [self.embed_query(t) for t in texts]


TEXTS = ["the godwit flies over the ocean", "milvus is a bird of prey", "a vector database stores vectors", "rivers run to the sea"]


def store(**more):
    return Milvus(embedding_function=Hashed(), connection_args={"uri": ADDRESS}, collection_name="langchain",
                  consistency_level="Strong", auto_id=True, **more)


def case_texts():
    s = store(drop_old=True)
    ids = s.add_texts(TEXTS, metadatas=[{"n": k, "even": k % 2 == 0} for k in range(len(TEXTS))])
    assert len(set(ids)) == len(TEXTS)
    assert s.similarity_search("godwit over ocean", k=1)[0].page_content == TEXTS[0]
    found = s.similarity_search("bird", k=4, expr="n < 2")
    assert sorted(d.metadata["n"] for d in found) == [0, 1]
    scored = s.similarity_search_with_score(TEXTS[2], k=2)
    assert scored[0][0].page_content == TEXTS[2] and abs(scored[0][1]) < 1e-4
    s.delete(ids=[ids[2]])
    assert all(d.page_content != TEXTS[2] for d in s.similarity_search(TEXTS[2], k=4))


def case_retriever_and_reopen():
    s = store()
    s.add_documents([Document(page_content="a late document", metadata={"n": 9, "even": False})])
    again = store()
    found = again.as_retriever(search_kwargs={"k": 1}).invoke("late document")
    assert found[0].page_content == "a late document" and found[0].metadata["n"] == 9
    assert len(again.max_marginal_relevance_search("bird sea", k=2, fetch_k=4)) == 2


def main():
    passed = failed = 0
    for name, case in (("texts", case_texts), ("retriever_and_reopen", case_retriever_and_reopen)):
        try:
            case()
            passed += 1
        except Exception:                                                       # a failing case must not end the others
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

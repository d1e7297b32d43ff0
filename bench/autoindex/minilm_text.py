"""The sentences that minilm.py embeds and of which datasets.py makes sets of bits: those of Debian's package descriptions."""
import random
import re
import subprocess

SEED = 20261124


def description_file(cache):
    """The English descriptions of the packages of Debian's main archive, by apt, in a private folder."""
    lists = cache / "apt-lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    pattern = "*_main_i18n_Translation-en*"
    if not list(lists.glob(pattern)):
        subprocess.run(["apt-get", "-q", "-o", "Acquire::Languages=en", "-o", f"Dir::State::Lists={lists}",
                        "-o", "APT::Sandbox::User=root", "update"], check=True, stdout=subprocess.DEVNULL)
    return max(lists.glob(pattern), key=lambda p: p.stat().st_size)


def split_descriptions(lines):
    """Sentences of 25 to 220 letters, and the one-line summaries from 20 letters on; each once."""
    seen, paragraph = set(), []

    def fresh(sentences, shortest, longest):
        for sentence in sentences:
            if shortest <= len(sentence) <= longest and sentence not in seen:
                seen.add(sentence)
                yield sentence

    for line in lines:
        text = line.strip()
        if line.startswith(" ") and not line.startswith("  ") and text != ".":
            paragraph.append(text)
            continue
        if paragraph:
            yield from fresh(re.split(r"(?<=[.!?])\s+", " ".join(paragraph)), 25, 220)
            paragraph = []
        if line.startswith("Description-en:"):
            yield from fresh([line.split(":", 1)[1].strip()], 20, 220)


def sentences(cache):
    """All of them in an order that depends on SEED alone."""
    kept = cache / "sentences.txt"
    if not kept.exists():
        raw = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", description_file(cache)], check=True, stdout=subprocess.PIPE).stdout
        found = sorted(split_descriptions(raw.decode("utf-8", "replace").splitlines() + [""]))
        random.Random(SEED).shuffle(found)
        kept.with_suffix(".part").write_text("\n".join(found), encoding="utf-8")
        kept.with_suffix(".part").rename(kept)
    return kept.read_text(encoding="utf-8").split("\n")

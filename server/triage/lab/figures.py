"""How good decisions were, where it is known which incident each report is about."""

from collections import Counter
from typing import Any

Decision = dict[str, Any]


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


class Figures:
    """Counts decisions as they are made. The incidents are only looked at here."""

    def __init__(self) -> None:
        self.reports = self.known = 0
        self.incident_of: dict[str, str] = {}
        self.seen: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.ms: list[float] = []

    def add(self, id_: str, incident: str, candidates: list[str], line: Decision) -> None:
        """One decision; `candidates` are all that were looked at."""
        self.reports += 1
        self.ms.append(line["ms"])
        self.counts["candidates"] += len(candidates)
        if incident:
            self.known += 1
            self._compare(incident, candidates, line)
            self.incident_of[id_] = incident
            self.seen[incident] += 1

    def _compare(self, incident: str, candidates: list[str], line: Decision) -> None:
        shown = [self.incident_of.get(match["id"]) == incident for match in line["matches"]]
        automatic = line["decision"] == "automatic"
        counts = self.counts
        counts["pairs right"] += sum(shown)
        counts["pairs wrong"] += len(shown) - sum(shown)
        counts["pairs there"] += min(3, self.seen[incident])
        counts["merged"] += automatic
        counts["merged wrongly"] += automatic and not shown[0]
        if self.seen[incident]:
            counts["duplicates"] += 1
            counts["blocked"] += any(self.incident_of.get(other) == incident for other in candidates)
            counts["found"] += any(shown)
            counts["merged rightly"] += automatic and shown[0]
        else:
            counts["new"] += 1
            counts["new shown"] += bool(shown)

    def shown(self) -> dict[str, Any]:
        """The figures of docs/triage.md."""
        counts, ms = self.counts, sorted(self.ms)
        right = counts["pairs right"]
        precision = _share(right, right + counts["pairs wrong"])
        recall = _share(right, counts["pairs there"])
        both = (precision or 0) + (recall or 0)
        return {
            "reports": self.reports,
            "duplicates": counts["duplicates"],
            "blocking_recall": _share(counts["blocked"], counts["duplicates"]),
            "candidates_mean": _share(counts["candidates"], self.reports),
            "found_among_suggested": _share(counts["found"], counts["duplicates"]),
            "distinct_with_suggestions": _share(counts["new shown"], counts["new"]),
            "pair_precision": precision,
            "pair_recall": recall,
            "pair_f1": round(2 * (precision or 0) * (recall or 0) / both, 4) if both else None,
            "automatic": counts["merged"],
            "automatic_recall": _share(counts["merged rightly"], counts["duplicates"]),
            "false_merges_per_1000": _share(1000 * counts["merged wrongly"], self.reports),
            "ms_p50": ms[len(ms) // 2],
            "ms_p95": ms[int(len(ms) * 0.95)],
        }

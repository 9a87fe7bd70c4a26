"""The office over the API: brings a report of the gallery on, each step by whoever may take it."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import APIRequestContext, Playwright

from server.core.calendar import day_of
from server.demo.county import PASSWORD
from server.demo.stories import SIGNATURE

MATTER = "请核查该商场二楼安全出口是否被锁闭、堵塞，并督促整改。"
REPLY = (
    "您反映的情况我们到现场核实了，属实。二楼安全出口的铁链已经拆除，纸箱已经清走，商场负责人被当场责令整改，"
    "并于今日复查通过。谢谢您的提醒。"
)
QUESTION = "请问是商场东侧还是西侧的出口？"
FIRE = "县消防救援大队"
UNTIL_PLANNED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("desk", "accept", {"sector_no": 6, "title": "商场安全出口锁闭", "matter": MATTER, "risk": "orange"}),
    ("leader", "sign", {}),
    ("fire", "sign_for", {}),
    (
        "fire",
        "verify",
        {
            "finding": "substantiated",
            "account": "两人到现场，出口上锁、堆物，情况属实。",
            "verifiers": ["马建军", "李文华"],
        },
    ),
    (
        "fire",
        "plan",
        {
            "responsible_person": "才旦",
            "measures": "拆除铁链，清理纸箱。",
            "money": 30_000,
            "deadline": (day_of(datetime.now(UTC)) + timedelta(days=20)).isoformat(),
            "contingency": "整改期间专人看守出口。",
        },
    ),
)
EXTENDED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("fire", "ask_extension", {"days": "30", "reason": "消防门定制，下月才到。"}),
    ("leader", "grant_extension", {"reason": "要换的消防门是定做的，下个月才能装好。"}),
)
UNTIL_ANSWERED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("fire", "rectify", {"done": "已拆除铁链。", "signature": {"name": "才旦", "strokes": SIGNATURE}}),
    ("desk", "recheck_pass", {"account": "现场复查，出口畅通。"}),
    ("desk", "strike_off", {}),
    ("fire", "reply", {"text": REPLY, "reward": "qualifies"}),
)


class Office:
    """People of the demo county, signed in when they are needed."""

    def __init__(self, playwright: Playwright, home: str) -> None:
        self._request: APIRequestContext = playwright.request.new_context(base_url=home)
        self._tokens: dict[str, str] = {}
        self._fire = next(unit["id"] for unit in self._ask("desk", "GET", "/units") if unit["name"] == FIRE)

    def case_of(self, number: str) -> Any:
        """The case of the report with this number, as soon as the worker has opened it."""
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up:
            rows = self._ask("desk", "GET", "/desk/cases?queue=new&limit=100")["items"]
            for row in rows:
                page = self._ask("desk", "GET", f"/cases/{row['id']}") if row["kind"] == "tip" else {}
                if any(one["number"] == number for one in page.get("reports", ())):
                    return page
            time.sleep(1)
        raise LookupError(f"{number} is not before the desk")

    def ask_reporter(self, case: Any) -> None:
        """The desk has a question."""
        body = {"id": str(uuid.uuid4()), "text": QUESTION}
        self._ask("desk", "POST", f"/reports/{case['reports'][0]['id']}/messages", body)

    def walk(self, case_id: str, *steps: tuple[str, str, dict[str, Any]]) -> None:
        """Take these steps, in the version that is there."""
        for who, step, fields in steps:
            given = fields | ({"unit_id": self._fire} if step == "accept" else {})
            version = self._ask("desk", "GET", f"/cases/{case_id}")["version"]
            self._ask(who, "POST", f"/cases/{case_id}/steps", {"step": step, "fields": given}, version)

    def _ask(self, who: str, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        if who not in self._tokens:
            signed = self._request.post("/api/v1/auth/sign-in", data={"login": who, "password": PASSWORD})
            self._tokens[who] = signed.json()["access_token"]
        headers = {"Authorization": f"Bearer {self._tokens[who]}"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        answer = self._request.fetch(f"/api/v1{path}", method=method, data=body, headers=headers)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.text()}")
        return answer.json()

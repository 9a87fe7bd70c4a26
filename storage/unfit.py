"""Why a medium is not shown."""


class Unfit(Exception):
    """`code` as listed at media.SetAside, `detail` for a person who looks into it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

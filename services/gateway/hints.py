"""What to write instead: sentences for fields that break the contract, the same as those of ingest's refusals."""

from pydantic_core import ErrorDetails

from contracts.hints import A_NUMBER, ASKED, CODES
from contracts.statistics import RejectionCode


def hint(problem: ErrorDetails) -> tuple[RejectionCode, str, str]:
    """The code of one error of `StatisticReported`, and what to write instead in Vietnamese and English."""
    name = str(problem["loc"][0]) if problem["loc"] else ""
    code = CODES.get(problem["type"], RejectionCode.SCHEMA)
    if not name:
        vi, en = (
            "Phần data phải là một đối tượng JSON chứa đúng một số liệu",
            "The data must be one JSON object with one figure",
        )
        return code, vi, en
    asked_vi, asked_en = ASKED.get(name, A_NUMBER)
    if problem["type"] == "missing":
        return code, f"Thiếu trường {name}: ghi {asked_vi}", f"{name} is missing: write {asked_en}"
    if code is RejectionCode.TOO_LARGE:
        vi, en = f"{name} có hơn 30 chữ số: ghi số ngắn hơn", f"{name} has more than 30 digits: write a shorter number"
        return code, vi, en
    if code is RejectionCode.NOT_FINITE:
        return (
            code,
            f"{name} không phải số hữu hạn: ghi {asked_vi}, hoặc bỏ trường này nếu chưa có số",
            f"{name} is not finite: write {asked_en}, or leave the field out where there is no figure",
        )
    return code, f"{name} không đúng: ghi {asked_vi}", f"{name} is wrong: write {asked_en}"

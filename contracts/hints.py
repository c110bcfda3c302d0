"""What a field of a statistic asks for, in words: every door that refuses one says the same, Vietnamese and English."""

from contracts.statistics import RejectionCode

ASKED = {
    "province": ("mã tỉnh trong danh mục, ví dụ dak-nong", "a province id of the catalog, such as dak-nong"),
    "kpi": (
        "mã chỉ tiêu trong danh mục, ví dụ edoc-signed-share",
        "a KPI id of the catalog, such as edoc-signed-share",
    ),
    "org_unit": ("mã đơn vị trong danh mục hoặc mã quốc gia, dạng chuỗi", "a unit's id or national code, as a string"),
    "as_of": (
        "ngày 2023-09-30 hoặc thời điểm có múi giờ 2023-09-30T16:00:00+07:00",
        "a date 2023-09-30, or an instant with offset 2023-09-30T16:00:00+07:00",
    ),
    "done_on": ("ngày 2023-09-30", "a date 2023-09-30"),
    "period": ("kỳ, ví dụ 2023, 2023-Q3, 2023-09", "a period, such as 2023, 2023-Q3, 2023-09"),
    "mode": ("absolute hoặc increment", "absolute or increment"),
    "status": ("actual, preliminary hoặc forecast", "actual, preliminary or forecast"),
    "rank": ("số nguyên từ 1", "an integer from 1"),
    "of": ("số nguyên từ 1", "an integer from 1"),
    "revision": ("số nguyên từ 1 đến 1000000", "an integer from 1 to 1000000"),
    "done": ("true hoặc false", "true or false"),
    "retracts": ("true hoặc false", "true or false"),
    "members": ("danh sách mã thành viên, tối đa 2000", "a list of members' ids, at most 2000"),
    "unit_of_measure": ("chuỗi tối đa 80 ký tự", "a string of at most 80 characters"),
    "note": ("chuỗi tối đa 2000 ký tự", "a string of at most 2000 characters"),
    "evidence": ("URI tối đa 2000 ký tự", "a URI of at most 2000 characters"),
}
"""By field: what to write instead."""

A_NUMBER = ('số hoặc chuỗi số, ví dụ 91.3 hay "91.3"', 'a number or decimal string, such as 91.3 or "91.3"')
"""For the fields that hold numbers."""

CODES = {
    "finite_number": RejectionCode.NOT_FINITE,
    "decimal_max_digits": RejectionCode.TOO_LARGE,
    "decimal_whole_digits": RejectionCode.TOO_LARGE,
}
"""By kind of validation error; every other one is `schema`."""

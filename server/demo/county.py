"""The rows of the demo county in the formats of docs/import.md, the same ones every time.

Towns and units are Maqin's; villages, grids, boundaries, enterprises and people are invented.
"""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import shapely
from stdnum.cn import uscc

Row = dict[str, str]

ROUTING_FILE = Path(__file__).with_name("maqin_routing.csv")
COUNTY_CODE, COUNTY_NAME = "632621", "玛沁县"
BY_PLACE = "各乡镇党委、政府"
PASSWORD = "gridwatch-demo"  # noqa: S105 - everybody's in the demo county, printed at the start
NO_POWER_TO_PUNISH = {"果洛机场", "国网果洛供电公司玛沁分公司"}
ENTERPRISES = 300

OUTLINE = shapely.Polygon(
    [
        (98.35, 34.05),
        (98.7, 34.75),
        (99.3, 35.05),
        (99.9, 35.12),
        (100.45, 34.98),
        (100.85, 34.62),
        (100.75, 34.2),
        (100.3, 33.95),
        (99.75, 33.85),
        (99.1, 33.78),
    ]
)
"""Roughly where Maqin is; invented, not for navigation."""

TOWNS: dict[str, tuple[str, float, float, tuple[str, ...]]] = {
    "632621100": ("大武镇", 100.242, 34.477, ("团结社区", "幸福社区", "雪山路社区")),
    "632621101": ("拉加镇", 100.63, 34.69, ("赛什托村", "思肉欠村", "玛尔挡村")),
    "632621200": ("大武乡", 100.16, 34.31, ("江前村", "格多村")),
    "632621201": ("东倾沟乡", 99.92, 34.56, ("东柯河村", "当前村")),
    "632621202": ("雪山乡", 99.69, 34.78, ("阴柯河村", "浪日村")),
    "632621203": ("下大武乡", 99.21, 34.6, ("清水村", "年扎村")),
    "632621204": ("优云乡", 99.05, 34.13, ("德当村", "阳桑村")),
    "632621205": ("当洛乡", 99.83, 34.12, ("贡龙村", "查雀贡麻村")),
}
TOWN_WEIGHTS = (46, 14, 8, 7, 7, 6, 6, 6)

KINDS: dict[int, tuple[str, ...]] = {
    3: ("加油站", "液化气站", "加气站"),
    4: ("采石场", "砂石料场"),
    5: ("牦牛肉食品厂", "建材厂", "木材加工厂", "藏毯厂"),
    6: ("购物中心", "超市", "批发市场", "养老院"),
    7: ("客运站", "货运公司", "出租车公司"),
    8: ("燃气服务站", "火锅店", "幼儿园", "藏餐馆"),
    9: ("安置房项目工地", "道路改造项目工地", "学校扩建项目工地"),
    10: ("农机合作社", "农机维修点"),
    11: ("水电站", "水库管理所", "河道采砂场"),
    12: ("供暖锅炉房", "电梯维保站"),
    13: ("航空服务部",),
    14: ("变电站", "光伏电站"),
    15: ("景区", "星级宾馆", "牧家乐"),
    16: ("快递服务点", "物流园"),
    17: ("饭店", "宾馆餐厅"),
    18: ("污水处理厂", "垃圾转运站", "汽修厂"),
}
SECTOR_WEIGHTS = {
    3: 8,
    4: 4,
    5: 9,
    6: 18,
    7: 8,
    8: 16,
    9: 9,
    10: 4,
    11: 4,
    12: 5,
    13: 1,
    14: 4,
    15: 6,
    16: 6,
    17: 8,
    18: 5,
}
NAMES = [
    "雪域",
    "吉祥",
    "阿尼玛卿",
    "黄河源",
    "格桑",
    "三江源",
    "雄鹰",
    "扎西",
    "金马",
    "康巴",
    "团结",
    "兴牧",
    "玉树林",
    "高原红",
    "白塔",
    "祥云",
    "雪莲",
    "宏源",
    "天路",
    "圣湖",
]
ROADS = [
    "团结路",
    "雪山路",
    "格萨尔路",
    "黄河路",
    "迎宾路",
    "滨河路",
    "文化路",
    "民主街",
    "幸福巷",
    "环城东路",
]
SURNAMES = [
    "才旦",
    "扎西",
    "多杰",
    "卓玛",
    "央金",
    "尕藏",
    "李",
    "王",
    "马",
    "张",
    "韩",
    "刘",
    "索南",
    "拉毛",
]
GIVEN = ["建军", "明", "秀英", "吉", "措", "桑", "德", "丽", "强", "才让", "加", "文华", "国庆", "晓燕"]
RISKS = ("red", "orange", "yellow", "blue")
RISK_WEIGHTS = (1, 3, 6, 10)


def areas() -> list[Row]:
    """County, 8 townships and towns, villages and grids; larger ones first. Polygons as WKT."""
    centres = {code: shapely.Point(lng, lat) for code, (_, lng, lat, _) in TOWNS.items()}
    rows = [_area(COUNTY_CODE, COUNTY_NAME, "county", "", OUTLINE)]
    for code, shape in _cells(OUTLINE, centres).items():
        name, _, _, villages = TOWNS[code]
        rows.append(_area(code, name, "town", COUNTY_CODE, shape))
        village_names = {f"{code}{number:03}": village for number, village in enumerate(villages, 1)}
        for village_code, village_shape in _split(shape, list(village_names), centres[code]).items():
            village = village_names[village_code]
            rows.append(_area(village_code, village, "village", code, village_shape))
            grids = [f"{village_code}-{number:02}" for number in (1, 2)]
            for number, (grid, grid_shape) in enumerate(
                _split(village_shape, grids, centres[code]).items(), 1
            ):
                rows.append(
                    _area(grid, f"{village}第{'一二'[number - 1]}网格", "grid", village_code, grid_shape)
                )
    return rows


def units() -> list[Row]:
    """The departments named in the routing table, the towns, and the office that takes what belongs to nobody."""
    names: dict[str, None] = {}
    for row in routing():
        for name in [row["lead_unit"], *row["responsible_units"].split(";")]:
            if name and name != BY_PLACE:
                names.setdefault(name)
    rows = [
        {"code": f"D{number:02}", "name": name, "enforces": "no" if name in NO_POWER_TO_PUNISH else "yes"}
        for number, name in enumerate(names, 1)
    ]
    rows.append({"code": "AWB", "name": "县安委会办公室", "is_coordinating": "yes"})
    rows += [
        {"code": f"T{code[-3:]}", "name": f"{name}人民政府", "area_code": code, "is_town": "yes"}
        for code, (name, *_) in TOWNS.items()
    ]
    return rows


def routing() -> list[Row]:
    """The 18 sectors of Maqin's plan of 2020."""
    with ROUTING_FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def enterprises() -> list[Row]:
    """300 invented enterprises over the sectors, most of them in the county seat."""
    chance = random.Random(20261123)  # noqa: S311
    grids = [(row["code"], shapely.from_wkt(row["polygon"])) for row in areas() if row["kind"] == "grid"]
    rows: list[Row] = []
    taken: set[str] = set()
    numbers = _credit_codes(chance)
    while len(rows) < ENTERPRISES:
        code = chance.choices(list(TOWNS), TOWN_WEIGHTS)[0]
        town, lng, lat, _ = TOWNS[code]
        sector = chance.choices(list(SECTOR_WEIGHTS), list(SECTOR_WEIGHTS.values()))[0]
        kind = chance.choice(KINDS[sector])
        short = f"{chance.choice(NAMES)}{kind}"
        name = f"玛沁县{town}{short}"
        if name in taken:
            continue
        taken.add(name)
        spread = 0.018 if code.startswith("6326211") else 0.05
        point = shapely.Point(chance.gauss(lng, spread), chance.gauss(lat, spread * 0.7))
        grid = min(grids, key=lambda grid: grid[1].distance(point))[0]
        rows.append(
            {
                "uscc": next(numbers),
                "name": name,
                "short_name": short,
                "area_code": grid,
                "address": f"玛沁县{town}{chance.choice(ROADS)}{chance.randint(1, 160)}号",
                "lat": f"{point.y:.6f}",
                "lng": f"{point.x:.6f}",
                "sector_no": str(sector),
                "risk": chance.choices(RISKS, RISK_WEIGHTS)[0],
                "contact_name": chance.choice(SURNAMES) + chance.choice(GIVEN),
                "contact_phone": f"1390975{chance.randint(0, 9999):04}",
            }
        )
    return rows


def people() -> list[Row]:
    """Somebody for each role, an inspector for each town, a handler for each unit that leads or stands for a town."""
    chance = random.Random(7)  # noqa: S311

    def person(login: str, name: str, role: str, area: str = "", unit: str = "") -> Row:
        phone = f"1380975{chance.randint(0, 9999):04}"
        return {
            "login": login,
            "name": name,
            "phone": phone,
            "roles": role,
            "area_code": area,
            "unit_code": unit,
            "password": PASSWORD,
        }

    rows = [
        person("desk", "李秀英", "desk"),
        person("desk2", "马文华", "desk"),
        person("leader", "王建军", "leader"),
        person("rewards", "张晓燕", "reward_officer"),
        person("admin", "韩国庆", "admin"),
        person("gridhead", "索南才让", "grid_head", "632621100"),
    ]
    for number, code in enumerate(TOWNS, 1):
        login = "inspector" if number == 1 else f"inspector{number}"
        rows.append(person(login, SURNAMES[number % 5] + GIVEN[number + 4], "inspector", code))
    codes = {row["name"]: row["code"] for row in units()}
    leads = dict.fromkeys(row["lead_unit"] for row in routing())
    handled = [*leads, "县安委会办公室", *(row["name"] for row in units() if row.get("is_town"))]
    for number, name in enumerate(handled):
        login = HANDLER_LOGINS.get(name, f"unit-{codes[name].lower()}")
        rows.append(
            person(
                login, chance.choice(SURNAMES[6:12]) + GIVEN[number % len(GIVEN)], "handler", "", codes[name]
            )
        )
    return rows


HANDLER_LOGINS = {"县消防救援大队": "fire", "县住房和城乡建设局": "housing", "县应急管理局": "emergency"}
SIGN_INS = (
    ("inspector", "网格员", "大武镇"),
    ("desk", "受理员", ""),
    ("leader", "值班领导", ""),
    ("fire", "经办人", "县消防救援大队"),
    ("housing", "经办人", "县住房和城乡建设局"),
    ("admin", "管理员", ""),
)
"""Sign-ins that `make up` prints: login, role, where."""


def _area(code: str, name: str, kind: str, parent: str, shape: shapely.Geometry) -> Row:
    polygon = shapely.to_wkt(shape, rounding_precision=6)
    return {
        "code": code,
        "name": name,
        "kind": kind,
        "parent_code": parent,
        "polygon": polygon,
        "invented": "yes",
    }


def _cells(whole: shapely.Geometry, centres: dict[str, shapely.Point]) -> dict[str, shapely.Geometry]:
    """The part of `whole` that is nearest to each centre."""
    points = shapely.MultiPoint(list(centres.values()))
    cells = [cell.intersection(whole) for cell in shapely.voronoi_polygons(points, extend_to=whole).geoms]
    return {code: next(cell for cell in cells if cell.covers(point)) for code, point in centres.items()}


def _split(shape: shapely.Geometry, codes: list[str], centre: shapely.Point) -> dict[str, shapely.Geometry]:
    """Cut a shape into one part per code, around its inhabited middle."""
    start = centre if shape.covers(centre) else shape.representative_point()
    step = 0.012
    shifts = ((-step, step), (step, step / 2), (0.0, -step))
    points = {
        code: shapely.Point(start.x + dx, start.y + dy) for code, (dx, dy) in zip(codes, shifts, strict=False)
    }
    points = {
        code: point if shape.covers(point) else _inside(shape, number)
        for number, (code, point) in enumerate(points.items())
    }
    return _cells(shape, points)


def _inside(shape: shapely.Geometry, number: int) -> shapely.Point:
    """A point within the shape, another for each number."""
    middle = shape.representative_point()
    reach = shape.boundary.distance(middle) / 2
    return shapely.Point(middle.x + reach * (number - 1), middle.y)


def _credit_codes(chance: random.Random) -> Iterator[str]:
    """统一社会信用代码 with a right check digit, of organisations that do not exist."""
    while True:
        base = f"92632621MA7{''.join(chance.choices('0123456789ABCDEFGHJKLMNPQRTUWXY', k=6))}"
        yield base + uscc.calc_check_digit(base)

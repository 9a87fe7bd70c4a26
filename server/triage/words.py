"""Reading Chinese reports: names of companies, addresses, buildings, and the words that say nothing. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from rapidfuzz import fuzz

DIGITS = {sign: digit for digit, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百]+(?=号|栋|幢|座|单元|楼|层)")

LEGAL_FORM = re.compile(
    r"(?:有限责任|股份有限|集团有限|集团股份|有限)?(?:总公司|分公司|子公司|公司)|有限责任|股份|集团|专业合作社|合作社|个体工商户|项目部|分店"
)
PLACE_PREFIX = re.compile(r"^[一-鿿]{2,8}?(?:省|自治区|自治州|州|(?<![超门夜集])市|县|镇|乡|街道)(?=..)")
PROVINCE_WORDS = """
北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南
湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 内蒙古 广西 西藏 宁夏 新疆 中国
"""
PROVINCES = PROVINCE_WORDS.split()
TRADE_WORDS = """
菜馆 食府 快餐 大排档 农家乐 理发 美发 眼镜 文具 服饰 驿站
加油站 加气站 液化气站 燃气站 燃气 石油 石化 煤矿 矿业 砂石 采石 砖厂 水泥 商砼 搅拌站
建筑 建设 建工 工程 工地 装饰 饭店 餐厅 餐馆 饭馆 火锅 烧烤 面馆 酒店 宾馆 旅馆
招待所 民宿 客栈 酒楼 茶馆 超市 商场 商店 百货 便利店 市场 批发 门市 幼儿园 小学 中学
学校 医院 诊所 卫生院 药店 网吧 歌厅 酒吧 浴室 洗浴 台球 影院 寺院 养老院 敬老院 小区
花园 物业 大厦 快递 物流 货运 运输 客运 汽修 修理 修车 洗车 驾校 出租车 电力 供电
水电 电站 供热 水务 农机 牧业 养殖 屠宰 乳业 食品 肉食 加工 木材 家具 五金 建材 钢材
化工 危化 仓储 仓库 冷库 粮油 旅游 景区 印刷 纺织 服装 酒业 机械 环保 回收 废品 科技
商贸 贸易 店 厂 站 部 馆 铺 社 园 厅
"""
TRADE = re.compile("|".join(sorted(TRADE_WORDS.split(), key=len, reverse=True)))

ROAD = re.compile(
    r"([一-鿿]{1,8}?(?:大道|路|街|巷|道))(?:[东西南北中]段)?(\d{1,4})号(?!楼|院楼|厂房|车间|仓库|门|井|塔)"
)
BEFORE_ROAD = re.compile(r".*(?:自治州|省|市|县|镇|乡|村|区|里|在|的|位于|旁|边|和|与|到|就是|地址|我家)")
ROAD_ALONE = re.compile(r"[一-鿿]{1,8}(?:大道|路|街|巷)(?![一-鿿]{0,2}(?:超市|饭店|小学))")
AROUND = re.compile(
    r"附近|旁边|路边|对面|门口|隔壁|后面|前面|边上|往[东西南北]|[东西南北]侧|里面|院内|号$|\d+"
)
BUILDING = re.compile(
    r"(\d{1,3}|[a-z]|[甲乙丙丁])(?:号|#)?(楼|栋|幢|座(?![车位商面客的])|厂房|车间|仓库|库房|塔吊|矿井|井|宿舍)|(\d{1,2})单元"
)
NUMBERED_WITHOUT_HAO = {"栋", "幢", "座"}
FLOOR = re.compile(r"(\d{1,2})(?:层|楼)(?!板|梯|道|房)")
LANDMARK = re.compile(
    r"(?=([一-鿿]{2})(小区|花园|家园|公寓|社区|新村|村|广场|商场|商城|市场|大厦|商厦|公园|学校|小学|中学|幼儿园|医院|卫生院"
    r"|安置房|家属院|宿舍区|山庄|度假村|嘉苑|雅苑|苑|华庭|庭院|名邸|公馆|府邸|广场|食堂|路口|大桥|桥|工业园|园区|景区|车站|客运站|银行|寺|大道|路|街|巷|沟|牧场|林场|水库|电站|新区|里))"
)
SOUNDS_ALIKE = [("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h")]
"""Beginnings that dialects and tired fingers mix up; ng and n at the end as well."""
SOUND_ALIKE = 0.9
"""Names that sound the same and are written in other signs."""
ONE_SIGN_WRONG = 0.8
"""Whole names this much alike differ by a slip of the finger."""
NO_NAME = frozenset(
    "这那个家的一二三四五六七八九十几某有在是了去到从里外上下前后边旁面对叫和跟新老大小我你他们镇县市乡区村路街号"
)
"""Signs that end words around a name, not names."""

FILLER_WORDS = """
您好 你好 领导 尊敬 我要举报 我想举报 实名举报 匿名举报 举报 反映 投诉 请问 麻烦 希望
请 赶紧 尽快 马上 抓紧 处理 解决 管管 管一下 看看 查一下 查查 调查 核实 整改 有关部门
相关部门 政府 严重 非常 特别 十分 太 很 安全隐患 重大隐患 隐患 问题 情况 现象 存在
发现 一直 经常 已经 现在 今天 昨天 前天 上午 下午 晚上 我们 你们 他们 这个 那个 这家
那家 这里 那里 就是 还是 没人管 谢谢 万一 出事 怎么办 了 的 吗 呢 吧 啊 呀 是 都
也 就 在 有
"""
FILLER = re.compile("|".join(sorted(FILLER_WORDS.split(), key=len, reverse=True)))
NOT_A_WORD = re.compile(r"[^0-9a-z一-鿿]+")


def plain(text: str) -> str:
    """One spelling: half-width, lower case, without blanks, numerals before 号 楼 栋 单元 as digits."""
    folded = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()
    return NUMERAL.sub(lambda match: _digits(match.group()), folded)


def _digits(numeral: str) -> str:
    """二十三 → 23, 一二 → 12."""
    if not set(numeral) & {"十", "百"}:
        return "".join(str(DIGITS[sign]) for sign in numeral)
    total, digit = 0, 0
    for sign in numeral:
        if sign == "百":
            total, digit = total + (digit or 1) * 100, 0
        elif sign == "十":
            total, digit = total + (digit or 1) * 10, 0
        else:
            digit = DIGITS[sign]
    return str(total + digit)


@dataclass(frozen=True)
class CompanyName:
    """A name taken apart: `stem` is the 字号 that tells it from others, `trades` what it does."""

    core: str
    stem: str
    trades: frozenset[str]


def company_name(words: str, places: Iterable[str] = ()) -> CompanyName | None:
    """Take a company's name apart, full or as people say it; None when nothing is left of it.

    `places` are names of the county and its towns (玛沁县, 大武镇); they do not tell companies apart.
    """
    core = NOT_A_WORD.sub("", LEGAL_FORM.sub("", plain(words)))
    short_places = (re.sub("[省州市县镇乡]$", "", plain(place)) for place in places)
    stems = [*PROVINCES, *(place for place in short_places if len(place) > 1)]
    before = None
    while before != core:
        before = core
        core = PLACE_PREFIX.sub("", core)
        for stem in stems:
            if core.startswith(stem) and len(core) > len(stem):
                core = re.sub("^[省州市县镇乡]", "", core.removeprefix(stem))
    if not core or core in map(plain, places):
        return None
    return CompanyName(core, TRADE.sub("", core), frozenset(TRADE.findall(core)))


def company_similarity(a: CompanyName | None, b: CompanyName | None) -> float | None:
    """0 another company … 1 the same; None when a name is missing or too general to say ("加油站")."""
    if a is None or b is None:
        return None
    if a.core == b.core:
        return 1.0
    other_trade = bool(a.trades and b.trades and not a.trades & b.trades)
    if not a.stem or not b.stem:
        return 0.2 if other_trade else None
    short, long = sorted((a.stem, b.stem), key=len)
    alike = 0.95 if len(short) >= 2 and short in long else fuzz.ratio(short, long) / 100
    if alike < SOUND_ALIKE:
        said, fully = sound(short), sound(long)
        heard = 1.0 if len(said) >= 2 and said in fully else fuzz.ratio(said, fully) / 100
        alike = max(alike, heard * SOUND_ALIKE)
    alike = alike * 0.7 if other_trade else alike
    whole = fuzz.ratio(*sorted((a.core, b.core))) / 100
    return max(alike, whole) if whole >= ONE_SIGN_WRONG else alike


@lru_cache(maxsize=30_000)
def _sound_of(sign: str) -> str:
    """The sign's sound without tone, as one character, with what dialects mix up made equal."""
    from pypinyin import Style, pinyin  # 20 MB, which the web process need not hold

    said = pinyin(sign, style=Style.NORMAL)[0][0]
    if said == sign:
        return sign
    for one, other in SOUNDS_ALIKE:
        if said.startswith(one):
            said = other + said[len(one) :]
            break
    said = said.removesuffix("g") if said.endswith("ng") else said
    return chr(0xF0000 + crc32(said.encode()) % 0xFFFE)  # for private use; the same in every process


def sound(words: str) -> str:
    """The words by their sound: homophones (输入法, voice) and dialect become the same. Only to be compared."""
    return "".join(map(_sound_of, words))


def addresses(text: str) -> set[tuple[str, str]]:
    """Road and house number: "大武镇团结路十二号" → {("团结路", "12")}."""
    found = set()
    for road, number in ROAD.findall(plain(text)):
        name = BEFORE_ROAD.sub("", road) or road
        if len(name) >= 2:
            found.add((name[-4:], str(int(number))))
    return found


@dataclass(frozen=True)
class Building:
    """A numbered building or part of one; "9栋2单元" is one: number 9, unit 2."""

    kind: str
    number: str
    unit: str | None
    words: str


def buildings(text: str) -> list[Building]:
    """The numbered buildings that a text names, in its order."""
    clean = plain(text)
    found: list[Building] = []
    last_end = -1
    for match in BUILDING.finditer(clean):
        number, kind, unit = match.groups()
        if unit is not None:
            if found and match.start() == last_end and found[-1].unit is None:
                last = found.pop()
                found.append(Building(last.kind, last.number, unit, last.words + match.group()))
            else:
                found.append(Building("单元", unit, None, match.group()))
        else:
            has_sign = "号" in match.group() or "#" in match.group()
            if not has_sign and (kind not in NUMBERED_WITHOUT_HAO):
                continue  # "2楼" is a floor, "3车间" a count
            kind = "楼" if kind in NUMBERED_WITHOUT_HAO else kind
            found.append(Building(kind, number.lstrip("0") or "0", None, match.group()))
        last_end = match.end()
    return found


def other_building(a: list[Building], b: list[Building]) -> tuple[str, str] | None:
    """The words of two buildings that exclude each other (3号楼 ≠ 5号楼); None when nothing says so."""
    for kind in {x.kind for x in a} & {y.kind for y in b}:
        ours, theirs = [x for x in a if x.kind == kind], [y for y in b if y.kind == kind]
        if not any(_fits(x, y) for x in ours for y in theirs):
            return ours[0].words, theirs[0].words
    return None


def same_building(a: list[Building], b: list[Building]) -> str | None:
    """The words of a building that both name."""
    return next((x.words for x in a for y in b if x.kind == y.kind and _fits(x, y)), None)


def _fits(x: Building, y: Building) -> bool:
    return x.number == y.number and (x.unit is None or y.unit is None or x.unit == y.unit)


def floors(text: str) -> frozenset[str]:
    """The floors that a text names: 三楼, 3层."""
    return frozenset(FLOOR.findall(plain(text)))


def landmarks(text: str) -> frozenset[str]:
    """Names of places around: the two signs before 小区, 村, 市场, 路 …, and that word."""
    return frozenset(name + kind for name, kind in LANDMARK.findall(plain(text)) if not (set(name) & NO_NAME))


def place_name(text: str) -> CompanyName | None:
    """What an address names beside road, number and building: an estate, an enterprise."""
    rest = BUILDING.sub("", ROAD.sub("", plain(text)))
    rest = ROAD_ALONE.sub("", FLOOR.sub("", rest))
    name = company_name(AROUND.sub("", rest))
    return name if name and 2 <= len(name.core) <= 12 and len(name.stem) >= 2 else None


def mentions(text: str) -> frozenset[str]:
    """What may be names of companies in a text: the two signs before a word of trade."""
    clean = plain(text)
    found = set()
    for match in TRADE.finditer(clean):
        name = clean[max(0, match.start() - 2) : match.start()]
        if (
            len(name) == 2
            and len(match.group()) > 1
            and not set(name) & NO_NAME
            and not NOT_A_WORD.search(name)
        ):
            found.add(name)
    return frozenset(found)


def matter(text: str, companies: Iterable[CompanyName] = ()) -> str:
    """What is left of a report when who, where and filler are taken away: the hazard itself."""
    rest = plain(text)
    for company in companies:
        rest = LEGAL_FORM.sub("", rest)
        for name in (company.core, company.stem):
            if len(name) >= 2:
                rest = rest.replace(name, "")
    rest = BUILDING.sub("", ROAD.sub("", rest))
    return FILLER.sub("", NOT_A_WORD.sub("", rest))

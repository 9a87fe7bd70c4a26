"""Made reports of made counties: what comes in, with the incident that each is about.

Every county has habits of its own (who gives a name, a place, a type; how far apart reports come), drawn from wide
ranges, so that a model leans on none of them. Written from what goes wrong in the field: typos by sound, half-names,
missing and wrong places, dialect, voice without stops, several hazards in one text, angry tails, another person's
wholly other words; and from what looks like one matter and is not: the same enterprise with another hazard, next
door, another building, 60 days later, a copied text. Two banks of words are for training, written apart, so
that what one teaches can be tried on the other. `LOCKED` has words, names, roads and habits that no training saw.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

Line = dict[str, Any]
"""As `eval triage` reads it; `photos` are dHashes here, not paths."""

METRES = 1 / 111_320
START = datetime(2026, 3, 1, tzinfo=UTC)

TRADES = {
    "shop": "超市 便利店 五金店 服装店 药店 烟酒店 手机店 修车店 家电城 茶叶店",
    "canteen": "饭店 火锅店 餐厅 面馆 烧烤 酒楼 小吃店",
    "hotel": "宾馆 酒店 招待所 客栈 旅馆",
    "factory": "食品厂 木材加工厂 家具厂 化工 机械厂 塑料厂 饲料厂",
    "market": "批发市场 农贸市场 商场 购物中心",
    "estate": "小区 花园 家园 公寓",
    "school": "小学 幼儿园 中学",
    "site": "建筑工地 项目工地",
    "petrol": "加油站",
    "parcel": "快递站 物流园",
    "mine": "采石场 砂石厂",
    "farm": "农机合作社 养殖场",
    "road": "",
}
SECOND_TRADES = TRADES | {
    "shop": "百货 副食店 门市部 美发店 眼镜店 打印店 水果店 窗帘店",
    "canteen": "菜馆 羊肉馆 食府 饺子馆 快餐店 大排档",
    "hotel": "大酒店 民宿 商务宾馆 度假酒店",
    "factory": "纺织厂 纸箱厂 五金厂 涂料厂 电子厂 制药厂",
    "market": "建材市场 商城 百货大楼 菜市场",
    "estate": "嘉苑 新村 佳园 安置房",
}


@dataclass(frozen=True)
class Bank:
    """The words of one world."""

    phrases: str
    name_signs: str
    roads: str
    towns: str
    openings: tuple[str, ...]
    tails: tuple[str, ...]
    spoken: tuple[str, ...]
    dialect: tuple[tuple[str, str], ...]
    trades: dict[str, str]


FIRST = Bank(
    phrases="phrases_first.txt",
    name_signs="宏源吉祥雪域金马康泰兴牧玉林高原祥云天路圣湖福满川香园盛达永鑫华联恒通安顺东升富民惠新万家和平利群瑞丰德胜龙腾海",
    roads="团结 雪山 黄河 迎宾 滨河 文化 民主 幸福 环城 解放 人民 长征 建设 和平 胜利 振兴 新华 工农",
    towns="大武镇 拉加镇 城关镇 柳林乡 石门镇 青山街道",
    openings=(
        "",
        "",
        "",
        "您好，",
        "领导你好，",
        "我要举报，",
        "反映个问题：",
        "举报",
        "你们管不管啊，",
        "今天路过看到，",
        "我是附近居民，",
        "实名反映，",
    ),
    tails=(
        "",
        "",
        "",
        "请尽快处理",
        "再不管要出人命了！！！",
        "都反映多少次了没人理，是不是有保护伞",
        "希望查一下，谢谢",
        "老板态度还特别横，爱上哪告上哪告",
        "出了事谁负责？",
        "天天提心吊胆的",
        "求求你们来看看吧",
    ),
    spoken=("那个", "就是说", "嗯", "然后", "反正", "你知道吧"),
    dialect=(("没有", "没得"), ("不知道", "晓不得"), ("孩子", "娃娃"), ("很", "老"), ("什么", "啥")),
    trades=TRADES,
)
SECOND = Bank(
    phrases="phrases_second.txt",
    name_signs="鸿运佳美聚贤春晖锦绣诚信旺角百姓老街乐购嘉禾北极光星河红太阳众益隆昌双喜顺意佰味江南塞上明珠泰合润泽尚品",
    roads="朝阳 中山 淮海 富强 青年 健康 科技 凤凰 站前 南湖 五一 光明 延安 沿江 学府 兴隆",
    towns="河口镇 白杨乡 龙泉街道 南关镇 三岔镇",
    openings=(
        "",
        "",
        "",
        "同志，",
        "麻烦转给安监的，",
        "第二次打了，",
        "网友爆料：",
        "有个事说一下",
        "拍了照的，",
        "作为业主我忍不了了，",
    ),
    tails=(
        "",
        "",
        "",
        "盼回复",
        "你们拿工资不干活？？",
        "上次说整改到现在一个样",
        "打12345也没用",
        "别等死了人再来",
        "赶快派人",
        "家里有老人小孩害怕得很",
        "不处理我就发抖音",
    ),
    spoken=("呃", "这个这个", "怎么说呢", "完了以后", "对吧"),
    dialect=(
        ("没有", "冇得"),
        ("他们", "伊拉"),
        ("孩子", "细伢子"),
        ("那里", "那疙瘩"),
        ("害怕", "怕得要死"),
        ("东西", "家伙什"),
    ),
    trades=SECOND_TRADES,
)


TRAINING = (FIRST, SECOND)
LOCKED = Bank(
    phrases="phrases_locked.txt",
    name_signs="铭阳腾达瀚海正鼎启航德馨优选沁芳同创远景博雅知味鲜丰翠峰蓝湾锐诚尔康琦伟霖锦荣懿宝晟",
    roads="建业 临江 桃源 育才 纬二 经三 石桥 古城 海棠 创业 运河 北苑 双井 梧桐 粮站 邮电",
    towns="临河镇 桦林乡 西坪镇 东湖街道 柏树镇",
    openings=(
        "",
        "",
        "",
        "巡查发现，",
        "网格上报：",
        "喂，应急局吗，",
        "补充一下，",
        "家长反映：",
        "入户走访时见到",
        "不想透露姓名，",
    ),
    tails=(
        "",
        "",
        "",
        "已口头提醒，拒不改正",
        "望核查处置",
        "我们单元群里都在说",
        "去年就报过",
        "请保护举报人",
        "麻烦跑一趟",
        "老人家差点出事",
        "等你们回话",
    ),
    spoken=("这么着", "哎", "您听我说", "是吧", "再一个"),
    dialect=(
        ("没有", "冒得"),
        ("堆着", "码倒起"),
        ("孩子", "囡囡"),
        ("睡着", "困倒"),
        ("晚上", "夜晚黑"),
        ("这里", "格里"),
    ),
    trades=TRADES
    | {
        "shop": "粮油铺 电器行 文具店 母婴店 花店 宠物店 网咖 汽配行",
        "canteen": "砂锅居 酸汤鱼馆 农家乐 早点铺 食堂 私房菜",
        "hotel": "快捷酒店 公寓酒店 山庄 宾舍",
        "factory": "铸造厂 印染厂 木业 橡胶厂 包装厂 面粉厂",
        "market": "农产品市场 小商品城 茶城 家居广场",
        "estate": "雅苑 华庭 家属院 名邸",
        "school": "实验小学 职业中学 托育园",
        "parcel": "快递驿站 分拨中心",
        "mine": "石料厂 露天采场",
        "farm": "奶牛场 家庭农场",
    },
)


@dataclass(frozen=True)
class Habits:
    """How a county's people report; shares are 0 … 1."""

    company: float
    address: float
    gps: float
    wrong_gps: float
    gps_m: float
    hazard_type: float
    wrong_type: float
    photo: float
    shared_photo: float
    typo: float
    half_name: float
    spoken: float
    forwarded: float
    several: float
    more_reports: float
    """Of reports of an incident after the first: each is followed by another with this chance."""
    days_apart: float
    hard: float
    """Of incidents that have one beside them that only looks the same."""
    name_in_text: float
    says_building: float
    crowded: float
    """Enterprises per square kilometre; few of them: far apart, and names that return from town to town."""
    lost_gps: float
    """Of wrong places those that are anywhere in the county, not some streets away."""
    facets: float
    """Chance that reporters pick any words for a hazard, not two to four that fit the one incident."""


def draw_habits(rng: random.Random) -> Habits:
    """The habits of one county."""
    u = rng.uniform
    return Habits(
        company=u(0.4, 0.95),
        address=u(0.2, 0.7),
        gps=u(0.6, 0.97),
        wrong_gps=u(0.02, 0.08),
        gps_m=u(8, 60),
        hazard_type=u(0.2, 0.85),
        wrong_type=u(0.03, 0.15),
        photo=u(0.05, 0.6),
        shared_photo=u(0.1, 0.5),
        typo=u(0.05, 0.4),
        half_name=u(0.2, 0.6),
        spoken=u(0.05, 0.3),
        forwarded=u(0.02, 0.25),
        several=u(0.03, 0.18),
        more_reports=u(0.3, 0.65),
        days_apart=u(0.5, 9),
        hard=u(0.25, 0.9),
        name_in_text=u(0.1, 0.5),
        says_building=u(0.4, 0.9),
        crowded=10 ** u(-1.3, 2),
        lost_gps=u(0, 1),
        facets=u(0, 1),
    )


LOCKED_HABITS = Habits(
    company=0.58,
    address=0.4,
    gps=0.75,
    wrong_gps=0.05,
    gps_m=30,
    hazard_type=0.5,
    wrong_type=0.07,
    photo=0.3,
    shared_photo=0.3,
    typo=0.25,
    half_name=0.4,
    spoken=0.12,
    forwarded=0.06,
    several=0.1,
    more_reports=0.5,
    days_apart=3.5,
    hard=0.45,
    name_in_text=0.3,
    says_building=0.65,
    crowded=6,
    lost_gps=0.5,
    facets=0.7,
)
"""What the brief expects of a county: a quarter without a place, one in twenty with a wrong one, half-names."""


@cache
def phrases(bank_file: str) -> dict[str, list[tuple[str, list[str]]]]:
    """Kind of place → hazards there, each with its code and clauses."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for line in Path(__file__).with_name(bank_file).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            code, where, clauses = line.split("|")
            for kind in where.split():
                found.setdefault(kind, []).append((code, clauses.split(";")))
    return found


@dataclass
class Site:
    """A place where hazards are: an enterprise, an estate, a stretch of road."""

    kind: str
    stem: str
    trade: str
    road: str
    number: int
    town: str
    lat: float
    lng: float


@dataclass
class Incident:
    """One matter."""

    name: str
    site: Site
    code: str
    clauses: list[str]
    at: datetime
    lat: float
    lng: float
    building: tuple[int, int] | None
    said: list[str] = field(default_factory=list)
    """The clauses of its last report; who writes of a look-alike often takes them over."""
    texts: list[str] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)


class County:
    """Draws reports; the same seed gives the same ones."""

    def __init__(self, seed: int, bank: Bank = FIRST, habits: Habits | None = None) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - made data, nothing secret
        self.bank = bank
        self.habits = habits or draw_habits(self.rng)
        self.phrases = phrases(bank.phrases)
        self.kinds = [kind for kind in bank.trades if kind in self.phrases]
        self.codes = sorted({code for hazards in self.phrases.values() for code, _ in hazards})
        self.times: dict[tuple[int, str, tuple[int, int] | None], list[datetime]] = {}
        self.side_m = 0.0
        self.centre = (self.rng.uniform(25, 42), self.rng.uniform(95, 118))

    def reports(self, amount: int, days: int = 90) -> list[Line]:
        """About this many, in order of arrival, numbered from r0."""
        incidents: list[Incident] = []
        lines: list[Line] = []
        sites = self._sites(max(5, amount // 3))
        while len(lines) < amount:
            incident = self._incident(len(incidents), self.rng.choice(sites), days)
            if self._known(incident):
                continue
            beside = [
                incident,
                *(i for i in self._look_alikes(len(incidents) + 1, incident, sites) if not self._known(i)),
            ]
            incidents += beside
            for one in beside:
                lines += self._reports_of(one)
        lines.sort(key=lambda line: line["at"])
        return [{**line, "id": f"r{n}", "at": line["at"].isoformat()} for n, line in enumerate(lines)]

    def _known(self, incident: Incident) -> bool:
        """The same hazard at the same place within 40 days would be the same matter; otherwise it is taken note of."""
        times = self.times.setdefault((id(incident.site), incident.code, incident.building), [])
        if any(abs(incident.at - at) < timedelta(days=40) for at in times):
            return True
        times.append(incident.at)
        return False

    # ── places

    def _sites(self, amount: int) -> list[Site]:
        self.side_m = side_m = (amount / self.habits.crowded) ** 0.5 * 1000
        found = []
        for _ in range(amount):
            kind = self.rng.choice(self.kinds)
            lat, lng = (c + self.rng.uniform(0, side_m) * METRES for c in self.centre)
            found.append(self._site(kind, lat, lng))
        return found

    def _site(self, kind: str, lat: float, lng: float) -> Site:
        rng = self.rng
        signs = rng.choices(self.bank.name_signs, k=rng.choice((2, 2, 2, 3, 3, 4)))
        trades = self.bank.trades[kind].split()
        road = rng.choice(self.bank.roads.split()) + rng.choice(("路", "路", "街", "大道", "巷"))
        return Site(
            kind,
            "".join(signs),
            rng.choice(trades) if trades else "",
            road,
            rng.randint(1, 300),
            rng.choice(self.bank.towns.split()),
            lat,
            lng,
        )

    def _incident(self, number: int, site: Site, days: float) -> Incident:
        code, clauses = self.rng.choice(self.phrases[site.kind])
        return self._made(number, site, code, clauses, START + timedelta(days=self.rng.uniform(0, days)))

    def _made(self, number: int, site: Site, code: str, clauses: list[str], at: datetime) -> Incident:
        rng = self.rng
        spread = 60 if site.kind in ("estate", "market", "site", "factory", "road") else 12
        building = None
        if site.kind == "estate" or (site.kind in ("factory", "site", "school") and rng.random() < 0.3):
            building = (rng.randint(1, 15), rng.randint(1, 4))
        lat, lng = (c + rng.gauss(0, spread) * METRES for c in (site.lat, site.lng))
        most = len(clauses) if rng.random() < self.habits.facets else rng.choice((2, 3, 3, 4))
        facts = rng.sample(clauses, min(len(clauses), most))
        return Incident(f"i{number}", site, code, facts, at, lat, lng, building)

    def _look_alikes(self, number: int, of: Incident, sites: list[Site]) -> Iterator[Incident]:
        """What a hurried eye takes for the same."""
        rng = self.rng
        if rng.random() > self.habits.hard:
            return
        soon = of.at + timedelta(days=abs(rng.gauss(0, self.habits.days_apart)) + 0.05)
        match rng.choice(
            ("hazard", "hazard", "next door", "building" if of.building else "hazard", "later", "copied")
        ):
            case "hazard":
                others = [h for h in self.phrases[of.site.kind] if h[0] != of.code]
                if others:
                    yield self._made(number, of.site, *rng.choice(others), soon)
            case "next door":
                lat, lng = (c + rng.choice((-1, 1)) * rng.uniform(10, 60) * METRES for c in (of.lat, of.lng))
                neighbour = self._site(of.site.kind, lat, lng)
                neighbour.road, neighbour.number = of.site.road, of.site.number + rng.choice((2, 4, -2))
                beside = self._made(number, neighbour, of.code, self._clauses(of), soon)
                beside.said = of.said
                yield beside
            case "building" if of.building:
                other = self._made(number, of.site, of.code, self._clauses(of), soon)
                other.said = of.said
                other.building = ((of.building[0] + rng.randint(1, 4)) % 16 + 1, of.building[1])
                if rng.random() < 0.3:
                    other.building = (of.building[0], of.building[1] % 4 + 1)
                yield other
            case "later":
                at = of.at + timedelta(days=rng.uniform(45, 75))
                yield self._made(number, of.site, of.code, self._clauses(of), at)
            case "copied":
                elsewhere = rng.choice(sites)
                if elsewhere.kind != "road" and elsewhere is not of.site:
                    copy = self._made(number, elsewhere, of.code, of.clauses, soon)
                    copy.texts, copy.photos = of.texts, of.photos if rng.random() < 0.15 else []
                    yield copy

    def _clauses(self, of: Incident) -> list[str]:
        """All that is said of hazards of its kind."""
        return next(clauses for code, clauses in self.phrases[of.site.kind] if code == of.code)

    # ── people

    def _reports_of(self, incident: Incident) -> list[Line]:
        rng, lines = self.rng, []
        at = incident.at
        while True:
            lines.append(self._report(incident, at))
            if rng.random() > self.habits.more_reports or len(lines) >= 12:
                return lines
            at += timedelta(days=rng.expovariate(1 / self.habits.days_apart))
            if at - incident.at > timedelta(days=28):
                return lines

    def _report(self, incident: Incident, at: datetime) -> Line:
        rng, habits, site = self.rng, self.habits, incident.site
        lat = lng = None
        if rng.random() < habits.gps:
            far = 0.0
            if rng.random() < habits.wrong_gps:
                far = rng.uniform(400, self.side_m if rng.random() < habits.lost_gps else 9000)
            turn = rng.choice(((1, 0), (0, 1), (-1, 0), (0, -1)))
            noise = habits.gps_m * rng.choice((0.5, 1, 1, 2))
            lat = round(incident.lat + (rng.gauss(0, noise) + far * turn[0]) * METRES, 6)
            lng = round(incident.lng + (rng.gauss(0, noise) + far * turn[1]) * METRES, 6)
        # Who has no signal of a satellite is asked for the place in words, and most give it.
        tells = lat is not None or rng.random() < 0.03
        company = self._company(site) if site.trade and rng.random() < habits.company else None
        if rng.random() < habits.address or not (tells or company) or (not tells and not site.trade):
            address = self._address(incident)
        else:
            address = None
        code = incident.code
        if rng.random() < habits.wrong_type:
            code = rng.choice(self.codes)
        return {
            "at": at,
            "text": self._text(incident),
            "company": company,
            "address": address,
            "lat": lat,
            "lng": lng,
            "hazard_type": code if rng.random() < habits.hazard_type else None,
            "photos": self._photos(incident),
            "incident": incident.name,
        }

    def _company(self, site: Site) -> str:
        rng, stem = self.rng, site.stem
        if rng.random() < self.habits.typo / 2:
            stem = self._mistyped(stem)
        if rng.random() < self.habits.half_name:
            return rng.choice(
                (stem, stem[:2] + site.trade, stem + site.trade, stem[:3] + site.trade, site.trade)
            )
        if rng.random() < 0.4:
            return (
                f"{rng.choice(('', site.town, '本县'))}{stem}{site.trade}有限{rng.choice(('', '责任'))}公司"
            )
        return f"{rng.choice(('', '', site.town))}{stem}{site.trade}"

    def _address(self, incident: Incident) -> str:
        rng, site = self.rng, incident.site
        road = f"{site.road}{site.number}号"
        said = rng.choice(
            (road, road, f"{site.town}{road}", site.road, f"{site.road}路边", f"{site.town}{site.road}附近")
        )
        if site.kind == "estate" and rng.random() < 0.7:
            said = f"{site.stem}{site.trade}"
        return said + (self._building(incident) if rng.random() < self.habits.says_building else "")

    def _building(self, incident: Incident) -> str:
        if incident.building is None:
            return ""
        rng, (house, unit) = self.rng, incident.building
        said = rng.choice(
            (f"{house}号楼", f"{house}栋", f"{house}幢", f"{_chinese(house)}号楼", f"{house}#楼")
        )
        return said + (rng.choice((f"{unit}单元", f"{_chinese(unit)}单元")) if rng.random() < 0.5 else "")

    def _photos(self, incident: Incident) -> list[str]:
        rng = self.rng
        if rng.random() > self.habits.photo:
            return []
        if incident.photos and rng.random() < self.habits.shared_photo:
            bits = int(rng.choice(incident.photos), 16)
            for place in rng.sample(range(64), rng.choice((0, 0, 1, 2, 3, 4, 6, 8))):
                bits ^= 1 << place
            return [f"{bits:016x}"]
        incident.photos.append(f"{rng.getrandbits(64):016x}")
        return [incident.photos[-1]]

    def _text(self, incident: Incident) -> str:
        rng, habits, bank = self.rng, self.habits, self.bank
        if incident.texts and rng.random() < habits.forwarded:
            text = rng.choice(incident.texts)
            return text if rng.random() < 0.5 else self._mistyped(text[rng.randint(0, len(text) // 3) :])
        parts = rng.sample(incident.clauses, rng.choice((1, 1, 1, 2)))
        if incident.said and not incident.texts and rng.random() < 0.5:
            parts = incident.said[:]
        if rng.random() < 0.08:
            parts[0] = rng.choice(parts[0].split("，"))
        incident.said[:] = parts
        if rng.random() < habits.several:
            _, others = rng.choice(self.phrases[incident.site.kind])
            parts.append("还有" + rng.choice(others))
        where = ""
        if rng.random() < habits.name_in_text:
            site = incident.site
            where = rng.choice(
                (
                    site.stem + site.trade,
                    site.stem[:2] + site.trade,
                    site.stem,
                    f"{site.road}那个{site.trade or '路口'}",
                    site.road,
                )
            )
        if incident.building and rng.random() < habits.says_building:
            where += self._building(incident)
        text = rng.choice(bank.openings) + where + "，".join(parts) + "，" + rng.choice(bank.tails)
        for word, said in bank.dialect:
            if rng.random() < 0.15:
                text = text.replace(word, said)
        if rng.random() < habits.spoken:
            pieces = text.replace("；", "，").split("，")
            text = "".join(piece + rng.choice(("", *bank.spoken)) for piece in pieces)
        if rng.random() < habits.typo:
            text = self._mistyped(text)
        incident.texts.append(text)
        return text.strip("，")

    def _mistyped(self, text: str) -> str:
        """One or two signs wrong: another of the same sound, left out, twice, or simply another."""
        rng, signs = self.rng, list(text)
        for _ in range(rng.choice((1, 1, 2)) if signs else 0):
            at = rng.randrange(len(signs))
            match rng.choice(("sound", "sound", "sound", "lost", "twice", "other")):
                case "sound":
                    signs[at] = rng.choice(_homophones().get(_said(signs[at]), [signs[at]]))
                case "lost" if len(signs) > 2:
                    del signs[at]
                case "twice":
                    signs.insert(at, signs[at])
                case "other":
                    signs[at] = rng.choice("的一是不了人我在有他这上们来到时大地为子中说生国年着就那和要")
        return "".join(signs)


def _chinese(number: int) -> str:
    signs = "零一二三四五六七八九"
    if number < 10:
        return signs[number]
    return f"{'' if number < 20 else signs[number // 10]}十{signs[number % 10] if number % 10 else ''}"


def _said(sign: str) -> str:
    from pypinyin import Style, pinyin

    return pinyin(sign, style=Style.NORMAL)[0][0]


@cache
def _homophones() -> dict[str, list[str]]:
    """Sound → common signs (GB 2312, first level)."""
    found: dict[str, list[str]] = {}
    for high in range(0xB0, 0xD8):
        for low in range(0xA1, 0xFF):
            try:
                sign = bytes((high, low)).decode("gb2312")
            except UnicodeDecodeError:
                continue
            found.setdefault(_said(sign), []).append(sign)
    return found

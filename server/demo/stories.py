"""Two weeks of reports in the demo county: what people wrote, and how far each matter got."""

from dataclasses import dataclass

FAR = (
    "registered",
    "to_sign",
    "transferred",
    "signed_for",
    "rectifying",
    "to_recheck",
    "to_reply",
    "replied",
    "archived",
    "returned",
    "refused",
    "redirected",
)
"""States a story may end in (cases/rules.py)."""


@dataclass(frozen=True)
class Story:
    """One matter: which kind of enterprise (sector), what each reporter wrote, what was drawn, where it ended."""

    sector: int
    hazard_type: str
    texts: tuple[str, ...]
    """One report each, in order of arrival; more than one are reports of the same matter."""
    scene: str
    ends: str
    risk: str
    title: str
    days_ago: float
    kind: str = "tip"
    level: str | None = None
    named: bool = False
    fixed_on_spot: bool = False
    photos: int = 1


STORIES: tuple[Story, ...] = (
    Story(6, "exit_blocked", ("二楼安全出口拿铁链锁死了,门口还堆着纸箱,人一多根本跑不出去。", "超市后面的安全门锁着的,我上周就看到了,今天还是锁的", "安全出口上锁,堆货"), "blocked_exit", "registered", "orange", "安全出口被锁闭、堵塞", 0.2, photos=2),
    Story(6, "ebike_charging", ("楼道里停了好多电瓶车,晚上拉线充电,我家老人住三楼,天天担心着火。", "单元门口电动车飞线充电没人管"), "bikes_in_stairwell", "registered", "orange", "电动车在楼道停放充电", 0.5, photos=2),
    Story(8, "gas_bottle_leak", ("后厨放了四五个液化气罐,就挨着灶台,昨天还闻到煤气味。",), "gas_cylinders", "registered", "red", "后厨气瓶存放不安全", 0.08, named=True, photos=2),
    Story(9, "work_at_height", ("工地上的人在架子上干活,不戴安全带,栏杆也少了几根。", "脚手架上没有护栏,底下就是人行道,掉东西砸到人怎么办"), "scaffold", "registered", "orange", "高处作业无防护", 0.9),
    Story(18, "waste_dumped", ("半夜有车往河边倒黑乎乎的东西,好几个桶,味道刺鼻,羊都不敢喝水。",), "waste", "registered", "orange", "疑似偷倒危险废物", 1.2, photos=2),
    Story(7, "overloading", ("早上去拉加的面包车,核载七个人坐了十二个,车顶还绑行李。",), "minibus", "registered", "yellow", "客运车辆超员", 0.3),
    Story(6, "wiring_unsafe", ("市场里的摊位电线乱接,插线板一个套一个,地上还有水。",), "wires", "registered", "yellow", "电线私拉乱接", 1.6),
    Story(9, "pit_unsafe", ("学校旁边挖了个大坑,没有围挡,小孩放学都从边上走。",), "pit", "to_sign", "red", "基坑未设围挡", 1.1, named=True),
    Story(12, "boiler_unsafe", ("锅炉房管子一直在漏气,烧锅炉的人晚上睡着了没人看。",), "boiler", "to_sign", "orange", "锅炉漏汽、无人值守", 1.9),
    Story(6, "three_in_one", ("一楼卖东西,二楼住人,就一个楼梯,窗户全是铁栏杆。",), "blocked_exit", "to_sign", "orange", "经营住宿混用", 2.4),
    Story(3, "petrol_in_bulk", ("有人在自家院子里卖散装汽油,一桶一桶的,边上就是住户。",), "waste", "to_sign", "red", "私自售卖散装汽油", 2.2),
    Story(8, "no_gas_alarm", ("这家火锅店用的气罐,没有报警器,上次来也没有。",), "gas_cylinders", "transferred", "yellow", "未装燃气报警装置", 3.0),
    Story(14, "power_line_low", ("风大,电线杆歪了,线快碰到房顶了。",), "scaffold", "transferred", "orange", "电线杆倾斜", 2.8),
    Story(6, "extinguisher_missing", ("养老院的灭火器都过期两年了,消防栓也没有水。",), "wires", "transferred", "red", "消防器材过期", 3.3, named=True),
    Story(9, "scaffold_unsafe", ("架子的扣件锈得厉害,风一吹就晃。",), "scaffold", "signed_for", "orange", "脚手架不牢固", 4.1),
    Story(6, "ebike_charging", ("宾馆一楼大厅过道给电动车充电,客人进出都要绕开。",), "bikes_in_stairwell", "signed_for", "yellow", "过道内充电", 4.6),
    Story(11, "sand_digging", ("河道里有挖机挖沙子,桥墩子底下都挖空了。",), "pit", "signed_for", "orange", "河道非法采砂", 5.0),
    Story(4, "quarry_slope", ("采石场的坡挖得太陡,上面石头一直往下掉,下面就是路。",), "pit", "rectifying", "red", "采石场边坡过陡", 6.2),
    Story(6, "fire_lane_blocked", ("消防通道被货车占着,一停就是一整天。", "商场后面消防通道停满车"), "minibus", "rectifying", "yellow", "消防通道被占用", 6.0),
    Story(8, "gas_bottle_leak", ("幼儿园厨房的气瓶和孩子吃饭的地方只隔一个帘子。",), "gas_cylinders", "rectifying", "red", "幼儿园气瓶间不合格", 5.5, named=True, photos=2),
    Story(5, "dust_explosion", ("木材厂里到处是锯末,电锯边上还有人抽烟。",), "waste", "to_recheck", "orange", "粉尘未清扫", 8.1),
    Story(9, "site_no_fence", ("工地没有围挡,晚上也没有灯。",), "pit", "to_recheck", "yellow", "工地未设围挡", 7.7),
    Story(16, "parcel_site_unsafe", ("快递点的包裹堆到了门口,里面人出不来。",), "blocked_exit", "to_recheck", "yellow", "快递网点堵塞出口", 7.2),
    Story(12, "lift_faults", ("电梯老是卡在三楼,年检的牌子去年就到期了。",), "boiler", "to_reply", "orange", "电梯超期未检", 9.3),
    Story(6, "hot_work_no_permit", ("楼上装修在烧电焊,火星掉到楼下棉被上了。",), "wires", "to_reply", "orange", "无证动火作业", 9.0),
    Story(7, "dangerous_goods_vehicle", ("拉油的罐车晚上停在小区门口。",), "minibus", "replied", "orange", "危货车辆违规停放", 11.0),
    Story(17, "bio_oil_used", ("饭店后厨用的是塑料桶装的油,味道呛人,一点就着。",), "gas_cylinders", "replied", "orange", "使用醇基燃料", 11.5, named=True),
    Story(6, "stove_smoke", ("出租屋里烧煤炉子,烟囱没有伸出窗外。",), "boiler", "archived", "yellow", "取暖炉排烟不畅", 13.0),
    Story(8, "manhole_open", ("路口的井盖没了,晚上看不见。",), "pit", "archived", "orange", "井盖缺失", 13.5),
    Story(15, "wild_fire_tourist", ("游客在草场上烧烤,走的时候火没有灭。",), "waste", "archived", "yellow", "草场野外用火", 12.4),
    Story(10, "tractor_carries_people", ("拖拉机后斗拉了十几个人去挖虫草的地方。",), "minibus", "returned", "yellow", "农机违规载人", 3.8),
    Story(8, "things_falling", ("宾馆楼顶的广告牌松了,刮风就响。",), "scaffold", "returned", "orange", "广告牌松动", 4.3),
    Story(1, "official_inaction", ("邻居老跟我吵架,你们来管管。",), "bikes_in_stairwell", "refused", "blue", "邻里纠纷", 5.8, photos=0),
    Story(2, "no_insurance", ("老板两个月没发工资了。",), "waste", "redirected", "blue", "拖欠工资", 6.6, photos=0),
    Story(6, "exit_blocked", ("疏散门内侧堆放货物,宽度不足,当场要求清理。",), "blocked_exit", "archived", "yellow", "疏散门堆物", 2.0, kind="hazard", level="general", fixed_on_spot=True),
    Story(6, "extinguisher_missing", ("灭火器压力不足 2 具,限期更换。",), "wires", "registered", "yellow", "灭火器失效", 0.7, kind="hazard", level="general"),
    Story(3, "petrol_station_faults", ("卸油区静电接地夹损坏,未做记录。",), "waste", "to_sign", "orange", "静电接地失效", 1.4, kind="hazard", level="major"),
    Story(8, "no_gas_alarm", ("厨房未安装可燃气体报警器,气瓶未与灶具隔开。",), "gas_cylinders", "rectifying", "orange", "燃气报警缺失", 6.8, kind="hazard", level="major"),
    Story(9, "site_electricity", ("临时配电箱未上锁,电缆拖地泡水。",), "wires", "to_recheck", "yellow", "临时用电不规范", 8.4, kind="hazard", level="general"),
    Story(5, "machine_no_guard", ("切割机防护罩缺失。",), "boiler", "replied", "yellow", "机械防护缺失", 10.2, kind="hazard", level="general"),
)

MEASURES = "已停用并清理现场,更换不合格的设施,安排专人每天检查,完成培训并留有记录。"
ACCOUNT = "两名工作人员到现场核实,拍照取证并询问了现场负责人,情况与反映的一致。"
RECHECK = "到现场复查,隐患已消除。"
REPLY = (
    "您反映的情况我们到现场核实了,属实。已要求当事单位立即整改,并于日前复查通过。"
    "本次反映已登记为有效举报,奖励事宜由奖励经办人另行答复。谢谢您的提醒。"
)
RETURN_REASON = "该路段和设施不在本单位管辖范围内,建议转属地乡镇办理。"

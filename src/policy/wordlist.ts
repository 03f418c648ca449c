/**
 * 2,048 English words for fingerprints that people compare by eye and by ear. Common words of three to eight letters from the lowest levels of SCOWL
 * (12Dicts and the Moby lexicon, which are in the public domain), without inflected forms, words that sound like another one, and words that are
 * unpleasant to read to somebody; no two begin with the same four letters. The order is part of the format: never change it.
 *
 * SCOWL: Copyright 2000-2011 by Kevin Atkinson. Permission to use, copy, modify, distribute and sell these word lists, the associated scripts, the
 * output created from the scripts, and its documentation for any purpose is hereby granted without fee, provided that the above copyright notice
 * appears in all copies and that both that copyright notice and this permission notice appear in supporting documentation. Kevin Atkinson makes no
 * representations about the suitability of this array for any purpose. It is provided "as is" without express or implied warranty.
 */
const text = `
aardvark abandon abide ability able abnormal about above abroad absent absorb abstract absurd academic accent accident accord accuracy ace achieve
acid acorn acoustic acquire across act active actor actual acute addition address adequate adhere adjacent adjust admit adult advance advent advisor
advocate aerial affair afford afraid after against age aged agent aging ago agree ahead aim aircraft airport akin alarm alas album alert algebra alias
alien align alike alive all allege alliance allow alone alpha amateur amaze amber ambient amend among amount amp ample amuse anagram analog anatomy
ancestor ancient anecdote animal announce annual anomaly another answer antique anybody anyhow anyone anyplace anything anyway apart apology apparent
appeal apple appoint approve apt arc arcade arch area arena argue arm army around array arrive arrow art artist ascend ash aside ask asleep aspect
asset assign assort assume asterisk atlas atom attach attend attitude attorney attract audio author automate autumn average avoid await awake award
away awkward axiom axis baby back bad badge baffle bag baggage bake balance ballot ban banana band bang bank bar bargain bark baroque barrel base bash
basic basket bat batch bath battle bay beam beard beast beauty become bed bedroom beef before begin behalf behind being belief below belt bench bend
beneath beside best beta between beware beyond bicycle big bill bin binary bind biology bird birthday biscuit bishop bit bite bitmap black blade blank
blatant bless blink bliss blob block blow boat bob body boggle boil bold bolt bond bone bonus book boom boost boot border bore born borrow boss bottle
bounce bout bowl box boy brand brave breed brick bridge brief bright bring broad broken brown brush bubble bucket budget build bulb bulk bulletin bump
bunch bundle burst bus bush business busy button bypass byte cabbage cabinet cable caffeine cage cake calculus calendar call calm cam camera camp can
cap capacity captain car carbon card care carpet carry cartoon case cash cast casual cat catalog catch category cattle cause caution cave cease
ceiling cellular censor central ceremony certain chain chalk chamber chance chaotic chap charm chase chat cheap check cheek chemist chess chew chicken
chief child chip choice choose chorus chosen church cider cinema circa citizen city civil claim clarify class clause clean clever click client cliff
climb clinic clip clock clone close cloud club clue cluster coach coal coast coat code coffee coherent coin cold collar colon column combat come
comfort comic comma compel concur condone confine connect consent contact convey cook cool cope copy core corn correct cosmic cost cotton cough count
couple courage cousin coverage cow cozy craft cream credit creed crew cricket crisp critic crop cross crowd crucial crunch crush cry cryptic crystal
cube culture cup cupboard cure curious curry cursor curtain curve custom cute cycle cylinder daily damp dance dare dark darling dash database date
daughter dawn day daylight daytime deadline deal debate debug decade decent decide deck declare decode decrease dedicate deduce deed deem deep default
defend define degree deity delay delete delight demand denote dense dentist deny depend deposit depth deputy derive descend deserve design desk
despite destine detach detect detract develop devious devoid diagram dial diameter dice dictate diesel diet differ dig digit dignity dilemma dim dine
dip direct disable disc dish disk display distant dive divide doctor document dog dollar domain domestic dominant donate door dose dot doubt down
dozen draft drag drama draw dream dress drift drill drink drip drive drop drum dry duck dull duly duration dust duty dynamic eager eagle ear earth
ease easily east easy eat echo ecology economy edge edit educate effort egg ego eighth elect elegant element elephant eleven eligible elite embed
emerge eminent emit emotion emphasis empire employ empty emulate enable enclose encode end endeavor endless energy enforce engage engine enhance enjoy
enlarge enormous enough entail enter entire entry envelope epic episode equal equip era erase err error escape essay essence estate estimate eternal
ethic ethnic evaluate event everyday evident evolve exact exam exceed exchange excite exclude excuse exempt exhibit exist exit exotic expand expect
expiry explain export express extend extra eyesight fabric face facility fact faculty fail fairy faith fall fame family famous fan fancy fantasy far
farewell farm farthest fashion fast faucet favor feasible feature federal fee feed feel fellow fence fetch fiction field fifth figure file fill film
filter finance fine finger finish fire firm first fiscal fish fit five fix flag flash flat flavor fleet flesh flexible flight flip float flood floppy
flow fluent fluffy fluid flute fly foam focus fog fold folk follow fond font food foot forbid foreign forget fork form forty forum forward fountain
fourteen fraction fragile frame frank free french frequent fresh friction friend fringe frog from front frown frozen fruit fry fuel fulfill full fun
function fund funny further fuse future fuzzy gain galaxy game gap garage garden gas gasp gateway gather gear gender general genius genre gentle
genuine geology geometry gesture get giant gift gig girl give glad glance glass glory glossy glove glow glue goal goat gold golf good gorgeous gospel
gossip govern gown grab grace grade graffiti grain grammar grand graph grasp grateful gravity gray green grid grind grip group grow guard guide guinea
guitar gulf guy habit haircut half halt halve hand hang happy hard harmony hasten hat have hazy head health heap heart heat heavy height hello helmet
help hence heritage hero hidden hide highway hill hint hip his history hobby hold holiday hollow home honey honor hope horizon horn horrific horse
hospital host hot hotel house how huge hum human humble humor hundred hungry hurry husband hut hydrogen hyphen ice icon idea identify ideology ignore
illusion image immense imminent immortal immune impact imperial implicit import impress incident incline income increase index indicate induce infant
infinite info inhabit inherit inhibit initial ink innocent input inquire insect inside inspect install intact inter intimate invalid invent invite
invoke ion iron island issue item jack jam jargon jazz jelly jest jet job join joke jolly journal joy judge juice jump junction jungle junior jury
justice keen keep ken kernel kettle keyboard keyword kick kid kidney kind king kiss kit kitchen knee knock lab label labor lad lady lake lamp land
language large lark laser last late laugh launch lawn lawyer layout leaf league lean leap learn leather leave lecture leg legend legible leisure lemon
lend length lenient lens let level liable liberal library license lid life lift light like limb limit line link lion lip liquid list lit literary
little live load lobby local lock lodge log logic logo long look loop lord lot loud love low loyal luck luggage lump lunch lung luxury lyric machine
magazine magic magnetic mailbox maintain major make man manage mandate mankind manpower manual map march margin marital mark marry mask massive match
mate matrix mature maximum maybe mayor meal mean measure mechanic medium megabyte melody melt member memory mend mention menu mercy merge merit merry
message metaphor method metro midday midnight mighty migrate mild mile military milk mill mimic mine minimal minority mint minus miracle mirror
misprint miss mist mix mixture mobile mod mode modify module mold mole moment monarch money monitor monkey monopoly month mood moon morality motion
motor motto mount mouse mouth move movie multiple mundane museum music mutual mystic myth nail name narrow nation nature near neat neck needle negate
neighbor nerve nest net network neutral newcomer next nice nick nine noble nobody node noisy nominal nonsense noon norm north notation note nothing
notice noun novel novice now numeral nurse obey object oblige observe obsolete obstruct obtain obvious occasion occur ocean offense offhand office
offset oil old omission omit ongoing onion open opera opinion opponent opt optic oral orange orbit order ordinary organ orient origin orthodox other
ought out outcome outdated outgoing outline output outright outset outweigh over owing oxygen ozone pace pack pad page paint palace pan panel par
parade pardon parent parity park parrot part passage paste pat patch patent path pattern pay peaceful peasant peculiar pedantic pen pencil pending
penguin penny people percent perfect perhaps period permit person pet petrol pharmacy phoenix phone photo phrase physic piano pick picture pigeon pile
pill pilot pin pinch pink pint pipe pit pitch pitfall pizza place plan plaster plate play plea plenty plot plug plural plus pocket poem poet point
polar police pool pop pope popular pork port pose position possess post pot potato pound powder power practice precede predict prefer pregnant premium
prepare press pretty prevail price pride priest prime print prior privacy prize pro problem proceed produce profile program prohibit project prolong
prompt pronoun proof propose prospect protect proud prove public pudding pull pulse pump puncture pupil purchase pure purity purple pursue push put
puzzle python qualify quantum queen query quest quick quiz quota rabbit race rack radar radio rail rainbow random range rank rapid rare rate ratio ray
razor reach ready realm rear reason rebuild recall recent recipe reckon reclaim record recruit recycle redefine redirect reduce refer refine reflex
reform refrain refund regain region regular relax release relief rely remain remedy remind remote rename renew rent repair repeat rephrase reply
report request rescue reset reside resort respect rest result retail retract return reuse reveal review reward rewrite ribbon rice rich ride rigorous
rip risk ritual rival river robot robust rock rod roman roof room rope rotate round routine royal rub rule run rural rush rusty sabotage sacred safe
saga saint sake salary salesman salt same sample sand sanity satisfy save say scale scan scarf scatter scenery scheme school science scope score
scotch scratch screen script scroll seal search season seat second secret sector secure seed seek segment seldom select self semantic send senior
sense sentence separate sequel series sermon serve session set settle seven shade shake shape share sheep shelf shift shine ship shirt shop short show
shut side sigma sign silent silicon silly silver similar simple simulate sincere sine sing sink sir sister sit situate six sixth size skeleton sketch
skill skin skip skirt sky slang sleep slice slide slight slim slip slogan slope slot slow small smart smile smith smoke smooth snack snail snobbery
snow soap social sock soft soil solar soldier solid solo solution solve somehow song soon sore sound soup south space span spare spatial speak special
speed spell spend sphere spike spill spin spirit splendid spoil spoken sponsor spool sport spot spout spray spread spring spurious spy square squeeze
stable stack staff stage stamp stand star state stay steam steer stem step stereo stick still stock stomach stone stop store straw stream strict
strong struggle study stuff stunt style subject submit subset subtlety subway succeed sudden suffix sugar suggest summary sundry sunlight sunny
sunshine superb support supreme sure surface surname surround survey suspend sustain swallow swap sweep swim swing switch sworn symbol symmetry
symptom syndrome synonym syntax system tab table tack tactic tag tailor take talent talk tall tame tangent tank tap tape target task taste tax
taxation taxi taxpayer teach teapot tell temper ten tend tennis tenth term test text thank theater theme theory therapy thesis thin third thorough
thou three throw thumb tick tidy tie tiger tight tile time tin tiny tip tiresome title toad toast today together toggle token tolerant toll tomato
tomorrow ton tone tongue tonight tool tooth top topic toss touch tough tourist toward town toy trace trade traffic trail transit trashcan travel tray
treat tree trend trial tribe tricky trigger trilogy trinity trip triumph trivia trolley troop trouser truck true truly trumpet trunk trust truth try
tube tune tunnel turn tutor twelve twenty twice twin type typical ultimate umbrella unable unbiased uncommon under unify union unique unit universe
unknown unload unseen unsound unstable unused update upgrade upper upright upside upstairs upward urban urge usable usage use used useful user usual
utility utter vacancy vacuum valid valley value valve van vanish variant vat vector vehicle velocity vendor venture venue verbose verdict verify verse
vertical vessel vet viable vicinity victory video view village vintage vinyl violin virtue visit visual vital vocal voice void voltage volume vote
vouch vowel wade wake walk wall want ward warm warrant wash watch water wave wealth weekday welcome welfare west wet wheel whereby whistle white wide
width wife wild win window wing winter wipe wire wisdom wit witty wizard wolf woman wombat wonder wooden word work world worst worth wren yard year
yellow yes yield young youth zero zone zoom
`;

export const words: readonly string[] = text.trim().split(/\s+/);

const bitsPerWord = 11;
const wordCount = 6;

/** Six words for the first 66 bits of a hash in hex digits (upper or lower case, colons allowed). Throws a RangeError for fewer bits or other characters. */
export function fingerprintWords(hex: string): string[] {
  const digits = hex.replaceAll(':', '');
  if (!/^[0-9a-f]{17,}$/i.test(digits)) throw new RangeError('a fingerprint has at least 17 hex digits');
  // 17 digits are 68 bits; the last two are not said.
  const value = BigInt(`0x${digits.slice(0, 17)}`) >> 2n;
  return Array.from({ length: wordCount }, (_, i) => words[Number((value >> BigInt(bitsPerWord * (wordCount - 1 - i))) & 0x7ffn)] as string);
}

#!/usr/bin/env python3
"""Records the answers of Python's `re` for the tests of crates/python-re.

    rules.py FIXTURE            compares a fixture with this Python, and fails on any difference
    rules.py FIXTURE --write    replaces the fixture

The script searches as the fleet does: re.search(pattern, text, re.I | re.S | re.M). The fixture has the texts that
each pattern matches, or null if Python refuses the pattern. It also has the code points of `\\d`, `\\s`, `\\w` and of the
unassigned characters, and the letters that are equal if case does not matter.
"""
import json
import re
import sys
import unicodedata
import warnings

FLAGS = re.I | re.S | re.M

TEXTS = [
    "加我微信", "加 微信", "加薇信123", "abc", "ABC", "aabbcc", "a", "b", "ab", "ba", "aaa", "aab", "abab",
    "x1y22z333", "13800138000", "tel:13800138000.", "213800138000", "t.me/joinchat", "T.ME/abc_1", "foo\nbar",
    "foo\n", "\nfoo", "foo bar", "foo  bar", "[x]", "a[b", "a]b", "{x}", "a{,2}", "a{2", "{}", "a&b", "a&&b", "a--b",
    "a~b", "a|b", "a-b", "^a", "$5", "a.b", "a\\b", "(a)", "a*b", "é", "É", "e\u0301", "ß", "ẞ", "ss", "ſ", "s", "K",
    "k", "\u212a", "I", "i", "İ", "ı", "µ", "μ", "σ", "ς", "Σ", "Ωmega", "\u2126", "ﬁ", "ⅷ", "Ⅷ", "１２", "٣", "²", "½", "一二",
    "日本語", "हिन्दी", "a\u200db", "a_b", "a‿b", "a\u0300b", "\x1c", "\x1f", "\x85", "\u00a0", "\u3000", "\u2028", "\t",
    "\x0b", "\x08", "\x07", "\x00", "😀", "👨\u200d👩", "🇨🇳", "VX号abc", "q q 12345", "Hello World", "word", "words",
    "sword", "a word.", "aXbXa", "abcabc", "abcABC", "aa", "AA", "aA", "123123", "10", "S1", "\x01", "8", "\x018",
    "<a>b</a>", "<a>b</b>", "\"q\"", "'q'", "ac", "bc", "abd", "acd", "()", "(b)", "(b", "b)", "caa", "cat", "CaT",
    "concat", "category", "-", "]", "\\", "#", "a#b", " ", "a b", "aaaaaaaaaaaaaaaaaaaa", "zzz", "Å", "å", "\u212b",
    "Straße", "STRASSE", "ΐ", "\u1fd3", "ΰ", "\u1fe3", "ﬅ", "ﬆ", "θ", "ϑ", "ϴ", "Ǆ", "ǅ", "ǆ", "ა", "Ა", "ꭰ", "Ꭰ", "\u0345",
    "ι", "Ι", "\u1fbe", "\u00e5\u0301", "N", "\u2160", "в", "В", "ᲀ", "𐐀", "𐐨", "中文", "後", "后", "乾", "干",
    "", "xx", "zaax", "bab", "aaab", "aaaab", "aaaaa", "aabba", "abba", "bbbba", "babab",
]

PATTERNS = r"""
加.{0,3}微信
加.{0,3}[微薇]信
(?i)加.{0,3}微信
t\.me/\w+
(?<!\d)1\d{10}(?!\d)
(?# nocr)abc
a(?#x)*b
a(?#)b
(?#
abc
ABC
a|b|
()
(a)
(a)(b)\2
(a)(b)\1
(.)\1
(.)(.)\2\1
(\w+)\1
(?P<x>a)(?P=x)
(?P<x>a)(?P=y)
(?P<x>a)(?P<x>b)
(?P<1x>a)
(?P<x y>a)
(?P<字>a)(?P=字)
(?P<>a)
(?P<x
(?P=x)
(?P>x)
(?P
(?
(?<x>a)
(?'x'a)
(?|a|b)
(?R)
(?&x)
(?1)
(?C)
(?~a)
(?*a)
(*FAIL)
\g<1>
\k<x>
\K
\G
\h
\H
\R
\X
\O
\e
\Q
\E
\z
\c
\y
\p{L}
\pL
\A
\Aabc
abc\Z
foo\Z
foo$
^bar
^foo$
foo\nbar
foo.bar
(?-s:foo.bar)
(?s:foo.bar)
(?-m:^bar)
(?-m:foo$)
(?-m:o$)
(?-i:abc)
(?-i:ABC)
(?-i:É)
(?-i)abc
(?i:abc)
(?i-s:a.b)
(?i-i:a)
(?s-i:ABC.)
(?a:é)
(?a:É)
(?a)é
(?a)\w+é
(?a:\w)
(?a:^\w+$)
(?a:^\W+$)
(?a:^\s$)
(?a:^\d+$)
(?a:k)
(?a:K)
(?a:s)
(?a:i)
(?a:[h-j])
(?a:\bb)
(?u:\w)
(?a)(?u:^\w+$)
(?au)a
(?u)(?a)a
(?a)(?u)a
(?L)a
(?L:a)
(?t)a
(?ai:É)
(?x) a b c
(?x)a b # comment
(?x)a\ b
(?x)[ ]b
(?x)a#b
(?x: a b )c
(?-x:a b)
(?x)a (?-x: )b
(?x)a {2}
(?x)(?# c ) a
(?x)a{ 2}
(?q)a
(?i
(?i-
(?i-)
(?-:a)
(?-a:a)
(?i-u:a)
(?i-mx:A$)
(?:abc
(?:abc)
(?:a|b)c
(abc
abc)
)
(
(?:
(?=
(?=b)
a(?=b)
a(?!b)
(?<=a)b
(?<!a)b
(?<=a|b)c
(?<=ab|c)a
(?<=a+)b
(?<=a?)b
(?<=a{2})b
(?<=(a))b
(?<=(a)\1)b
(a)(?<=\1)b
(a+)(?<=\1)b
(?<=^)a
(?<=\b)a
(?<=a(?=b))b
(?<=(?<=a)b)c
(?<=(?(1)a|b))c
(a)?(?<=(?(1)a|b))c
(?=(a))\1
(?!(a))\1
(?=a)*
(?=a)+b
(?=a)?a
(?=a){2}a
(?!a)*b
(?=a)*+a
(?:(?=a))*a
(?:(?=(a)))*\1
(?:(?=(a)))??a\1
(?<=a)?b
(?:)*
(?:)+a
()*
()+a
(()|a)+b
(a|)+b
(a*)*
(a*)*b
(a*)+b
(a+)+b
(a|b*)*c
(a??)*b
(?:a*)*$
(?:a?){3}a
^*
^+a
$*
\b*
\b+a
(?:\b)*a
(?:^)*a
(?:\b)+word
*
+
?
{
{}
{2}
{,2}
{,}
a{
a{}
a{2
a{2}
a{2}b
a{,2}
a{,2}b
^a{,2}$
a{2,}
a{2,3}
a{,}
^a{,}$
a{0}
^a{0}b
(a){0}b
(a){0}\1
a{3,2}
a{2,3
a{ 2}
a{2 }
a{a}
a{-1}
a{1,2,3}
a{4294967295}
a{4294967294}
a{0,4294967295}
a{99999999999999999999}
a{0,1000}
a**
a*?
a*??
a*+
a*+a
a++
a++b
a+++
a?+
a?+a
a??b
a{1,2}+
a{1,2}+b
a{1,2}?b
a{2}{3}
a{2}*
(?:a{2}){3}
a*{2}
(?>a)
(?>a|ab)c
(?>a*)a
(?>a+)b
(?>(a)|b)\1
(?>
(?:ab)++a
(?:ab)?+c
[abc]
[^abc]
^[^abc]+$
[a-c]
[A-C]
[c-a]
[a-\d]
[\d-a]
[\d-]
[a\-c]
[-a]
[a-]
[--a]
[a--b]
[a&&b]
^[a&&b]+$
[a~~b]
[a||b]
[[]
[[a]
[[a]]
[[:alpha:]]
[[:alpha:]
[]]
[]a]
[^]]
[^]a]
[]
[^]
[
[a
[a-
[\
[a\
[^^]
[a^]
[.]
[*+?]
[$]
[(]
[)]
[{}]
[|]
[#]
(?x)[#]
[\]]
[\\]
[\[]
[\^]
[\b]
[\B]
[\A]
[\Z]
[\w]
[\W]
[\W\w]
[^\w]
[^\W]
^[^\W\d_]+$
[\s]
[\S]
[^\s\S]
[\d]
[\D]
[\D\d]
[^\D]
[\n]
[\x41]
[\x4]
[\u0041]
[\u004]
[\U00000041]
[\U0001F600]
[\U00110000]
[\101]
[\1]
[\0]
[\07]
[\18]
[\8]
[\400]
[\377]
[\a]
[\e]
[\p{L}]
[\q]
[\N{DIGIT ONE}]
[\ud83d]
[\ud83d\ude00]
[\ud800-\udfff]
[^\ud800-\udfff]
[\u0000-\uffff]
^[^\x00-\x7f]+$
^[\u4e00-\u9fff]+$
[一-龥]{2}
[😀-😎]
[🇦-🇿]{2}
[é]
[É]
[à-ý]
[h-j]
[I]
[ı]
[İ]
[^i]
[^I]
[^ı]
[^k]
[k]
[ſ]
[s]
[σ]
[^ς]
[ß]
[ẞ]
[A-Z]
[a-z]
^[^a-z]$
^[^A-Z]$
^[^\W]$
[Z-a]
[µ]
[Å]
[Ω]
[^\u0345]
^[\W]$
^[\w]$
\\
\.
\*
\[
\]
\{
\}
\(
\)
\|
\^
\$
\-
\/
\ 
\#
\&
\~
\"
\'
\<
\>
\`
\!
\=
\:
\,
\_
\é
\日
\a
\f
\n
\r
\t
\v
\x41
\x4
\x
\x{41}
\u0041
\u004
\u{41}
\U00000041
\U0001F600
\U0011FFFF
\ud83d
\ud83d\ude00
\N{DIGIT ONE}
\N{NO SUCH NAME}
\N
\0
\00
\01
\018
\08
\07
\012
\101
\377
\400
\777
\1
(a)\1
(a)\01
(a)\10
(a)\11
(a)\100
(a)\118
\8
\18
(a)\2
(a\1)
((a)\2)
((a)\1)
(?P<x>a(?P=x))
(a)(?(1)b|c)
(a)?(?(1)b|c)
(a)?(?(1)b)
(a)?b(?(1)c)
^(a)?(?(1)b|c)$
^(\()?b(?(1)\))$
(?P<q>a)?(?(q)b|c)
(?P<q>a)?(?(r)b|c)
(?(1)a|b)
(?(1)a|b)(c)
(?(2)a|b)(c)
(?(0)a|b)
(?(1)a|b|c)(d)
(?(a)b)
(?(-1)b)
(?( 1)b)(a)
(?(1_0)b)
(?(1)
(?(1
(?(1)a
(a)?(?(1)|b)c
(a)?(?(1)a*|b+)c
(?(+1)a|b)(c)
(?(1)|)(a)
(?(1))(a)b
(?(1)(?:)|(?:))(b)
(a)?(?(1)(?:)|)b
(a(?(1)b|c))
(?:(a)|b)*\1
(?:(a)|(b))+\2
(a|ab)(c|bcd)(d*)
(a)|b\1
(?:a(b)?)+\1
\w
\W
^\w+$
^\W+$
\d
^\d+$
\D
\s
^\s$
^\S$
\bword\b
\Bword
word\B
\b
\B
^\b$
\ba\b
a\bb
a\Bb
\b一
^.$
^..$
^.{20,}$
(?s).
<(\w+)>.*</\1>
(["']).\1
(?i)(a)\1
(?-i:(a)\1)
(?-i:(a))\1
(a)(?-i:\1)
(σ)\1
(?:(?i:a)b)
(?i:(?-i:a)b)
(?-i:a(?i:b))
é
É
ß
ẞ
ss
ſ
s
k
K
i
I
ı
İ
µ
μ
σ
ς
Σ
Å
å
ΐ
ΰ
ﬅ
θ
ϑ
ϴ
ǆ
ა
Ა
ꭰ
ι
в
𐐀
Ω
e\u0301
ﬁ
ⅷ
a.*?b.*?c
(?=.*a)(?=.*b)
^(?!.*abc).*$
^(?=.{3,5}$)a
(?:q\s*){2}\d{5}
(?:v|V)x.{0,2}号
^(?:\+?86)?1[3-9]\d{9}$
(?i)t(?:\.|点)me
(?<![a-z])cat(?![a-z])
(?=x|(x))\1x
(z)?(?>a*(?(1)x))a
(?:(?=(?:a|(?=b)){2,})a){2}
(?:(a)|b)\1
(?!(a))b\1
(?:(a)?b)+\1$
(?:(?=(a))a|b)+\1
(?:(?=(a|b))\w)+\1
(?:(?=a*(b))a)*\1
((?=(ba){,}()\3)b)+
(?>(?=(a*))\1)b
(?:(a)(?=b)|b)+\1
(?:(a)|a)(?(1)b|c)
(a(a)|aa)b(?(2)aa|b)a
(|)?a(?(1)a|)$
(|)*a(?(1)a|)$
(?>(a)?(?(1)b|c))
(?:(a)?+(?(1)b|c))+$
(?:(?(1)b|(a)))+$
(?=(a)?)(?(1)ab|b)$
(?<!(a))(?(1)x|b)
(?:a|(?=b)){2,}b
(?:|a){2,}$
(|a)+\1b
(?:(a)|){2}\1b
((?:a|(?=b)){2,})b\1
(){0}\1
(?=(a)){0}\1
(?:(?=(a))){0}?a\1
(?:a+){2}+b
\b(?:(bb)+){2}+a
(?>a{2}a??a{2})a$
后
[后]
乾
""".strip("\n").split("\n") + ["(?x)\n a # first\n b", "a\nb", "foo\nbar", "", "(?x)a\tb", "\t", "a{1,2}\\", "\\", "[\n]", "[\t ]", "\u00a0"]

# Later versions than 3.11 differ on these: numbers of groups that are no plain digits are errors from 3.12, the
# flag t from 3.13; 3.14 has \\z, and its \\B matches an empty text.
VERSIONED = {"(?( 1)b)(a)", "(?(1_0)b)", "(?(+1)a|b)(c)", "(?t)a", r"\z", r"\B"}


def finds(pattern):
    """Returns the numbers of the texts that the pattern matches, or None if it does not compile."""
    try:
        compiled = re.compile(pattern, FLAGS)
    except (re.error, OverflowError, ValueError, RecursionError):
        return None
    return [n for n, text in enumerate(TEXTS) if compiled.search(text)]


def ranges(fits):
    """Returns the code points that fit, as a flat list of first and last ones."""
    out = []
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code <= 0xDFFF or not fits(chr(code)):
            continue
        if out and out[-1] == code - 1:
            out[-1] = code
        else:
            out += [code, code]
    return out


def case_pairs():
    """Returns each cased letter with all letters that it matches if case does not matter."""
    cased = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF and chr(c).swapcase() != chr(c)
             or chr(c) in "ıſͅςϐϑϕϖϰϱϵẛιΐΰ\u1fd3\u1fe3\ufb05\ufb06µ"]
    everything = "".join(cased)
    return {c: found for c in cased if (found := "".join(x for x in re.findall(re.escape(c), everything, re.I)))}


def fixture():
    return {
        "unicode": unicodedata.unidata_version,
        "texts": TEXTS,
        "patterns": [{"pattern": p, "finds": finds(p)} for p in PATTERNS],
        "sets": {s: ranges(re.compile(s).match) for s in (r"\d", r"\s", r"\w")},
        "unassigned": ranges(lambda c: unicodedata.category(c) == "Cn"),
        "case": case_pairs(),
    }


def dump(data):
    """Formats the fixture with one line for each pattern, so that a diff is readable."""
    parts = []
    for key, value in data.items():
        if key == "patterns":
            lines = ",\n".join("  " + json.dumps(p, ensure_ascii=True) for p in value)
            parts.append(f' "patterns": [\n{lines}\n ]')
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=True, separators=(',', ':'))}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    warnings.simplefilter("ignore")
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--write"]):
        sys.exit(__doc__)
    path = sys.argv[1]
    now = fixture()
    if len(sys.argv) == 3:
        with open(path, "w", encoding="ascii", newline="\n") as file:
            file.write(dump(now))
        print(f"{path}: {len(PATTERNS)} patterns, {len(TEXTS)} texts, Unicode {now['unicode']}")
        return
    with open(path, encoding="ascii") as file:
        then = json.load(file)
    differing = [new["pattern"] for old, new in zip(then["patterns"], now["patterns"])
                 if old != new and (sys.version_info[:2] == (3, 11) or new["pattern"] not in VERSIONED)]
    if then["texts"] != now["texts"] or len(then["patterns"]) != len(now["patterns"]):
        sys.exit(f"{path}: not made from this list of patterns and texts; run with --write")
    if differing:
        sys.exit(f"{path}: this Python differs on {differing}")
    sets = ("sets", "unassigned", "case")
    if then["unicode"] == now["unicode"] and any(then[key] != now[key] for key in sets):
        sys.exit(f"{path}: this Python differs on the sets of characters")
    print(f"ok: Python {sys.version.split()[0]} agrees on {len(PATTERNS)} patterns and {len(TEXTS)} texts")


if __name__ == "__main__":
    main()

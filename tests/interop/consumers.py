"""Opens every post that the tests in tests/it/posted_files.rs wrote, without any code of this program.

Usage: consumers.py sealed|python DIRECTORY
Needs for sealed: pip install pycryptodome argon2-cffi; for python: pip install pyAesCrypt Pillow
"""
import io
import json
import pathlib
import pickle
import sys
import tempfile

PASSWORD = "correct horse 電池"
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORD_LISTS = ["nm_words", "bio_words", "ban_words", "ad_words", "con_words"]
LISTS = ["user_ids", "bad_ids", "except_ids", "admin_ids", *WORD_LISTS]


def check(holds, what):
    if not holds:
        sys.exit(what)


def check_caption(name, post):
    """Returns the caption's object. Python's json must write the same text, and one entity must cover all of it."""
    text = post["text"]
    caption = json.loads(text)
    check(json.dumps(caption, indent=4) == text, f"{name}: json.dumps writes another text")
    length = len(text.encode("utf-16-le")) // 2
    whole = [{"type": "Pre", "offset": 0, "length": length}]
    check(post["entities"] == whole, f"{name}: entities are {post['entities']}, not {whole}")
    check(caption["from"] == "AVATAR" and caption["to"], f"{name}: {caption}")
    return caption


class Sealed:
    words = "contrib/unseal.py"

    def __init__(self):
        sys.path.insert(0, str(ROOT / "contrib"))
        from unseal import unseal

        self.unseal = unseal

    def open(self, path):
        return self.unseal(path.read_bytes(), PASSWORD)

    def check_photo(self, name, plain, original):
        check(plain == original, f"{name} is not the photo as Telegram delivered it")
        return f"a JPEG of {len(plain)} bytes, equal to the original"

    def text(self, plain):
        return plain.decode()

    def document(self, name, plain, list_name):
        document = json.loads(plain)
        check(document["format"] == 1, f"{name}: format {document['format']}")
        check(list_name in (None, document["list"]), f"{name}: holds {document['list']}, not {list_name}")
        return document["data"]

    def check_list(self, list_name, data, expected):
        group = expected["group"]
        if list_name == "user_ids":
            joined = {join["user_id"] for join in data["joins"] if join["group_id"] == group}
            photos = {photo["user_id"]: photo["photo_id"] for photo in data["forwarded"]}
            check(set(expected["user_ids"]) <= joined, f"user_ids: {joined}")
            check(photos == dict(zip(expected["user_ids"], expected["photo_ids"])), f"user_ids: {photos}")
        elif list_name == "bad_ids":
            check(data == {"users": [expected["bad"]], "channels": []}, f"bad_ids: {data}")
        elif list_name == "except_ids":
            check(data == {"photos": [expected["photo_ids"][0]]}, f"except_ids: {data}")
        else:
            check(expected["owner"] in data[str(group)], f"admin_ids: {data}")


class Python:
    def __init__(self):
        import PIL
        import PIL.Image
        import pyAesCrypt

        self.image, self.aes = PIL.Image, pyAesCrypt
        self.words = f"pyAesCrypt, pickle and Pillow {PIL.__version__}"

    def open(self, path):
        plain = io.BytesIO()
        with path.open("rb") as file:
            self.aes.decryptStream(file, plain, PASSWORD, 64 * 1024)
        return pickle.loads(plain.getvalue())

    def check_photo(self, name, photo, original):
        check(type(photo) is self.image.Image, f"{name} is a {type(photo)}")
        wanted = self.image.open(io.BytesIO(original)).convert("RGB")
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "photo.png")
            photo.save(path, "PNG")
            saved = self.image.open(path)
            saved.load()
        check((saved.format, saved.mode, saved.size) == ("PNG", "RGB", wanted.size), f"{name} was saved as {saved}")
        differences = [abs(ours - theirs) for ours, theirs in zip(saved.tobytes(), wanted.tobytes())]
        mean = sum(differences) / len(differences)
        # Decoders of JPEG round differently, and they enlarge the colours of 4:2:0 in different ways.
        check(mean < 2, f"{name} differs from the original by {mean:.2f} on average")
        return f"{saved.size[0]} × {saved.size[1]} pixels, mean difference from the original {mean:.2f}"

    def text(self, plain):
        check(type(plain) is str, f"a {type(plain)} in place of a text")
        return plain

    def document(self, name, plain, list_name):
        check(type(plain) is dict, f"{name} is a {type(plain)}")
        return plain

    def check_list(self, list_name, data, expected):
        group = expected["group"]
        if list_name == "user_ids":
            for user, photo in zip(expected["user_ids"], expected["photo_ids"]):
                check(data[user]["avatar"] == str(photo), f"user_ids: {data[user]}")
                check(list(data[user]["join"]) == [group], f"user_ids: {data[user]}")
                check(all(type(messages) is set for messages in data[user]["message"].values()), f"{data[user]}")
        elif list_name == "bad_ids":
            check(data == {"users": {expected["bad"]}, "channels": set()}, f"bad_ids: {data}")
        elif list_name == "except_ids":
            check(data == {"long": {str(expected["photo_ids"][0])}}, f"except_ids: {data}")
        else:
            check(type(data[group]) is set and expected["owner"] in data[group], f"admin_ids: {data}")


def main(kind, directory):
    expected = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
    consumer = {"sealed": Sealed, "python": Python}[kind]()
    seen = {"photo": [], "list": [], "hits": [], "report": []}
    captions = sorted(directory.glob("*.post.json"), key=lambda path: int(path.name.split(".")[0]))
    for path in captions:
        name = f"{kind}/{path.name.split('.')[0]}"
        caption = check_caption(name, json.loads(path.read_text(encoding="utf-8")))
        call = f"{caption['action']} / {caption['type']}"
        data = caption["data"]
        file = directory / path.name.replace(".post.json", ".bin")
        if not file.exists():
            print(f"ok: {name}: {call}, no file")
            continue
        plain = consumer.open(file)
        if call == "update / avatar":
            user = data["user_id"]
            what = consumer.check_photo(name, plain, (directory / f"{user}.jpg").read_bytes())
            seen["photo"].append(user)
        elif call in ("backup / data", "backup / pickle"):
            content = consumer.document(name, plain, data)
            if data in WORD_LISTS:
                # The reports of the hits, which came first, have reset the numbers.
                check(list(content.items()) == list(expected["words"].items()), f"{name}: {content}")
            else:
                consumer.check_list(data, content, expected)
            what = f"{data}, {len(content)} keys"
            seen["list"].append(data)
        elif call == "regex / count":
            content = consumer.document(name, plain, None)
            check(content == expected["nm_words" if data == "nm_words" else "words"], f"{name}: {content}")
            what = f"{data}, {len(content)} rules"
            seen["hits"].append(data)
        elif call == "status / reply":
            content = consumer.document(name, plain, None)
            check(content and all(type(label) is str for label in content), f"{name}: {content}")
            what = f"{len(content)} figures"
            seen["report"].append(call)
        else:
            check(call == "help / send", f"{name}: {call} with a file")
            text = consumer.text(plain)
            check("AVATAR" in text, f"{name}: {text!r}")
            what = f"a text of {len(text)} characters"
            seen["report"].append(call)
        print(f"ok: {name}: {call}: {what}")
    check(sorted(seen["photo"]) == sorted(expected["user_ids"]), f"photos of {seen['photo']}")
    check(sorted(seen["list"]) == sorted(LISTS), f"lists: {seen['list']}")
    check(sorted(seen["hits"]) == sorted(WORD_LISTS), f"hits of {seen['hits']}")
    opened = sum(map(len, seen.values()))
    check(opened == expected["count"], f"{opened} files, not {expected['count']}")
    print(f"ok: {consumer.words} open all {opened} files; all {len(captions)} captions are Python's")


main(sys.argv[1], pathlib.Path(sys.argv[2]))

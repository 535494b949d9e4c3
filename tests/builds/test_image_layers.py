"""Layers are laid over each other as engines do it, and bad ones end in a sentence, within bounds."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_parts import digest, layer, pack

from envhooks.builds.imagefiles import layers as reading
from envhooks.builds.imagefiles import limits
from envhooks.builds.imagefiles.layers import Layer, read_layers
from envhooks.builds.imagefiles.limits import Limits, Unreadable
from envhooks.builds.imagefiles.tree import Tree


def stored(data: bytes, name: str = "") -> Layer:
    return Layer(lambda: nullcontext(io.BytesIO(data)), name or digest(data), "")


def read(*archives: bytes) -> Tree:
    return read_layers([stored(one) for one in archives], lambda path: 1000, Limits())


def files(tree: Tree) -> dict[str, bytes | None]:
    return {path: tree.read(path) for path, _ in tree.paths()}


def test_a_whiteout_hides_a_file_and_a_folder_of_lower_layers() -> None:
    lower = layer(("a/x", b"1"), ("a/y", b"2"), ("b/z/w", b"3"))
    assert files(read(lower, layer(("a/.wh.x", b""), ("b/.wh.z", b"")))) == {"/a/y": b"2"}


def test_an_opaque_folder_shows_only_what_its_own_layer_has_before_and_behind_the_mark() -> None:
    upper = layer(("a/before", b"1"), ("a/.wh..wh..opq", b""), ("a/behind", b"2"))
    assert files(read(layer(("a/x", b"0"), ("a/y/z", b"0")), upper)) == {"/a/before": b"1", "/a/behind": b"2"}


def test_a_whiteout_does_not_hide_what_its_own_layer_writes() -> None:
    assert files(read(layer(("a/x", b"old")), layer(("a/x", b"new"), ("a/.wh.x", b"")))) == {"/a/x": b"new"}
    assert files(read(layer(("a/x", b"old")), layer((".wh.a", b""), ("a/y", b"new")))) == {"/a/y": b"new"}


def test_another_kind_of_thing_replaces_what_was_there() -> None:
    lower = layer(("a/x", b"1"), ("l", "a"), ("f", b"2"))
    assert files(read(lower, layer(("a", b"file")))) == {"/a": b"file", "/f": b"2"}
    tree = read(lower, layer(("a", "elsewhere"), ("l", None), ("f", None)))
    assert files(tree) == {} and tree.at("/l") is None


def test_a_path_leads_through_a_link_of_a_lower_layer() -> None:
    lower = layer(("usr/lib/x", b"1"), ("lib", "usr/lib"), ("up", "../../usr"))
    tree = read(lower, layer(("lib/y", b"2"), ("up/lib/z", b"3"), ("lib/.wh.x", b"")))
    assert files(tree) == {"/usr/lib/y": b"2", "/usr/lib/z": b"3"}
    assert tree.read("/lib/y") == b"2" and tree.resolve("/up/lib") == "/usr/lib"


def test_links_in_circles_end() -> None:
    tree = read(layer(("a", "b"), ("b", "a"), ("c", "c/c"), ("a/x", b"1")))
    assert tree.at("/c") is None and tree.at("/b") is not None


def test_a_hard_link_has_the_content_of_its_target_also_of_a_lower_layer() -> None:
    lower = layer(("a", b"1"))
    assert files(read(lower, layer(links={"b": "a", "d": "nowhere"}))) == {"/a": b"1", "/b": b"1", "/d": None}


@pytest.mark.parametrize("how", ["gzip", "members", "zstd", "plain"])
def test_every_way_of_packing(how: str) -> None:
    archive = layer(("a", b"1" * 500_000), ("b", b"2"))
    assert files(read(pack(archive, how)))["/b"] == b"2"


def test_without_an_end_mark_and_empty_ones() -> None:
    assert files(read(layer(("a", b"1"))[:1024], layer(), b"", gzip.compress(b""))) == {"/a": b"1"}


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
OPERATION = st.tuples(st.sampled_from(["file", "hide", "opaque"]), NAMES)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(OPERATION, max_size=6), max_size=4))
def test_layers_against_a_plain_model(script: list[list[tuple[str, str]]]) -> None:
    """The model: whiteouts of a layer go over all that lower layers have, and then its files are put."""
    model: dict[str, bytes] = {}
    archives = []
    for number, operations in enumerate(script):
        entries, data = [], str(number).encode()
        for what, path in operations:
            folder, _, name = path.rpartition("/")
            top = f"{folder}/" if folder else ""
            hidden = {"hide": f"{top}.wh.{name}", "opaque": f"{path}/.wh..wh..opq", "file": path}[what]
            entries.append((hidden, data if what == "file" else b""))
        written = [path for what, path in operations if what == "file"]
        # a name cannot be file and folder of one layer, nor can a file of a lower one be a folder here
        if any(one != other and other.startswith(one + "/") for one in written for other in written):
            return
        for what, path in operations:
            if what == "hide":
                model = {k: v for k, v in model.items() if k != path and not k.startswith(path + "/")}
            elif what == "opaque":
                model = {k: v for k, v in model.items() if not k.startswith(path + "/")}
        for path in written:
            model = {
                k: v
                for k, v in model.items()
                if not k.startswith(path + "/") and not path.startswith(k + "/")
            }
            model[path] = data
        archives.append(layer(*entries))
    assert files(read(*archives)) == {f"/{path}": data for path, data in model.items()}


def refusal(*archives: bytes, name: str = "") -> str:
    with pytest.raises(Unreadable) as caught:
        read_layers([stored(one, name) for one in archives], lambda path: 1000, Limits())
    return caught.value.message


def test_bytes_that_are_not_those_of_the_digest() -> None:
    assert "not those of" in refusal(layer(("a", b"1")), name="sha256:" + "0" * 64)
    assert "no digest that can be checked" in refusal(layer(("a", b"1")), name="md5:" + "0" * 32)


def test_an_unpacked_layer_is_held_against_the_digest_of_the_archive() -> None:
    data = layer(("a", b"1"))
    good = Layer(lambda: nullcontext(io.BytesIO(data)), "", digest(data))
    bad = Layer(lambda: nullcontext(io.BytesIO(data)), "", "sha256:" + "0" * 64)
    read_layers([good], lambda path: 1, Limits())
    with pytest.raises(Unreadable, match="not those of"):
        read_layers([bad], lambda path: 1, Limits())


def test_damage_is_no_end() -> None:
    whole = layer(("a", b"1" * 5000), ("b", b"2"))
    assert "in the middle" in refusal(whole[:2000])
    assert "cannot be read" in refusal(whole[:5632] + b"\xff" * 512 + whole[6144:])
    packed = gzip.compress(whole)
    assert "in the middle" in refusal(packed[:-30])
    assert "cannot be read" in refusal(packed + b"garbage")
    assert "packed in a way" in refusal(b"hello" * 200)
    assert "damaged" in refusal(pack(whole, "zstd")[:-5] + b"12345")


def _header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def test_headers_that_would_fill_the_memory() -> None:
    assert "larger than 1 MiB" in refusal(_header(tarfile.XHDTYPE, 8 << 30))
    assert "larger than 1 MiB" in refusal(_header(tarfile.GNUTYPE_LONGNAME, 8 << 30))
    chain = (_header(tarfile.GNUTYPE_LONGNAME, 2) + b"a\0".ljust(512, b"\0")) * 5000
    assert "in a row" in refusal(chain)
    assert "sparse" in refusal(_header(tarfile.GNUTYPE_SPARSE, 512) + bytes(2048))


def test_paths_that_lead_out_stay_inside() -> None:
    assert files(read(layer(("../../etc/x", b"1"), ("/abs", b"2"), ("a/../../b", b"3")))) == {
        "/etc/x": b"1",
        "/abs": b"2",
        "/b": b"3",
    }
    assert "nested more" in refusal(layer(("a/" * 300 + "x", b"1")))
    assert "path of" in refusal(layer(("a" * 5000, b"1")))


def test_a_bomb_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_UNPACKED", 10 << 20)
    bomb = io.BytesIO(gzip.compress(_header(tarfile.REGTYPE, 1 << 30) + bytes(60 << 20), 0))
    name = digest(bomb.getvalue())
    with pytest.raises(Unreadable, match="unpacks to more"):
        read_layers([Layer(lambda: nullcontext(bomb), name, "")], lambda path: 1000, Limits())
    # packed without being made smaller: what was read is what was unpacked, and the rest was not
    assert bomb.tell() < 12 << 20


def test_time_and_memory_and_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable, match="not read within"):
        read_layers([stored(layer(("a", b"1")))], lambda path: 1, Limits(-1.0))
    monkeypatch.setattr(limits, "MAX_ENTRIES", 3)
    assert "more than 3 files" in refusal(layer(*((f"f{n}", b"") for n in range(5))))
    monkeypatch.setattr(limits, "MAX_ENTRIES", 1000)
    monkeypatch.setattr(limits, "MAX_KEPT", 3)
    assert "more links and packages" in refusal(layer(*((f"f{n}", "x") for n in range(5))))
    monkeypatch.setattr(reading, "MAX_LAYERS", 1)
    assert "2 layers" in refusal(layer(), layer())


def test_many_whiteouts_of_one_folder_take_no_time_of_their_own() -> None:
    """Eight times as many take eight times as long; quadratic would be 64 times."""

    def seconds(count: int) -> float:
        names = [(f"d/{number}", b"") for number in range(count)]
        both = layer(*names), layer(*names, *[("d/.wh..wh..opq", b"")] * count)
        begun = time.thread_time()  # a machine that does other things as well is not held to the clock
        read(*both)
        return time.thread_time() - begun

    few = min(seconds(1_000) for _ in range(3))
    assert seconds(8_000) < 24 * few


def test_links_of_links_and_of_what_is_not_kept() -> None:
    lower = layer(("b/x", b"1"), ("a/l", "../b"), ("s", "b/x"), links={"h": "s", "g": "b/x", "n": "none"})
    tree = read(lower)
    assert tree.read("/h") == b"1" and (node := tree.at("/h", follow=False)) and node.link == "b/x"
    assert tree.read("/g") == b"1" and tree.read("/a/l/x") == b"1" and tree.read("/n") is None
    kept = read_layers([stored(lower)], lambda path: 9 if path.endswith("x") else None, Limits())
    assert files(kept) == {"/b/x": b"1"}


def test_the_root_folder_itself() -> None:
    lower = layer(("a", b"1"))
    assert files(read(lower, layer((".wh..wh..opq", b""), ("b", b"2")))) == {"/b": b"2"}
    tree = read(lower, layer(("./", None)))
    assert files(tree) == {"/a": b"1"} and tree.at("/") is tree.root
    assert "a layer has a file in place of the root folder" in refusal(lower, layer((".", b"2")))


def test_marks_of_aufs_hide_nothing() -> None:
    assert files(read(layer(("a", b"1")), layer((".wh..wh.plnk", b""), (".wh..wh.aufs", b"")))) == {
        "/a": b"1"
    }


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh..."])
def test_a_whiteout_of_nothing_is_refused(name: str) -> None:
    assert "a whiteout names nothing" in refusal(layer(("a", b"1")), layer((name, b"")))


def test_links_that_grow_without_end() -> None:
    long = "/".join(["l"] * 100)
    tree = read(layer(("l", long), ("x", b"1")))
    assert tree.at("/l/x") is None and tree.read("/x") == b"1"

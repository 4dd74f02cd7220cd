"""Takes from an object of compiler-rt what glibc has.

Zig's compiler-rt is one object with all of it, and has memcpy, memset and much of libm too, for systems without a C library. A program
that needs anything of it would get these, as a definition in an object goes before one in a shared library: they are slower than
glibc's and round otherwise. Here they get other names, which nobody calls but the object itself.

Usage: leave_to_glibc.py OBJECT STUB..., where stubs are shared libraries of glibc. 64-bit little-endian ELF files all.
"""

import struct
import sys

_SECTIONS = struct.Struct("<40x Q 10x HHH")  # e_shoff, e_shentsize, e_shnum, e_shstrndx of the file's head
_SECTION = struct.Struct("<II QQQQ II QQ")  # name, type, flags, addr, offset, size, link, info, addralign, entsize
_SYMBOL = struct.Struct("<I BB H QQ")  # name, info, other, shndx, value, size
_SYMTAB, _DYNSYM = 2, 11
_GLOBALS = (1, 2)  # bindings: global, weak


def sections(data):
    begin, size, count, _ = _SECTIONS.unpack_from(data)
    return [(begin + i * size, list(_SECTION.unpack_from(data, begin + i * size))) for i in range(count)]


def symbols(data, kind):
    """Yields (offset of the symbol, its name, index of its strings' section) of what the file defines for others."""
    table = sections(data)
    for _, (_, section, _, _, offset, size, link, *_) in table:
        if section != kind:
            continue
        strings = table[link][1][4]
        for at in range(offset, offset + size, _SYMBOL.size):
            name, info, _, index, _, _ = _SYMBOL.unpack_from(data, at)
            if index != 0 and info >> 4 in _GLOBALS:
                yield at, data[strings + name : data.index(b"\0", strings + name)], link


def main(target, *stubs):
    glibc = set()
    for stub in stubs:
        with open(stub, "rb") as file:
            glibc.update(name for _, name, _ in symbols(file.read(), _DYNSYM))
    with open(target, "rb") as file:
        data = bytearray(file.read())
    renamed = [(at, name, link) for at, name, link in symbols(bytes(data), _SYMTAB) if name in glibc]
    if not renamed:
        sys.exit(f"nothing of glibc in {target}")
    # A longer copy of the strings, at the end of the file.
    at, strings = sections(data)[renamed[0][2]]
    begin = len(data)
    data += data[strings[4] : strings[4] + strings[5]]
    for symbol, name, _ in renamed:
        struct.pack_into("<I", data, symbol, len(data) - begin)
        data += b"__rules_inference_no_" + name + b"\0"
    strings[4], strings[5] = begin, len(data) - begin
    _SECTION.pack_into(data, at, *strings)
    with open(target, "wb") as file:
        file.write(data)


main(*sys.argv[1:])

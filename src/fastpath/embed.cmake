# cmake -D OBJECT=relay.o -D OUT=relay_program.cc -P embed.cmake: an object file as an array.
file(READ ${OBJECT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)"
       "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include \"fastpath/relay_program.h\"
namespace ahoy::fastpath {
// Aligned as the ELF file's parts have to be.
alignas(16) static const uint8_t program[] = {
${bytes}};
std::span<const uint8_t> relay_program() { return program; }
}
")

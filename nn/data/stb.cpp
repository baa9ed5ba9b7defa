// Compiles stb's code: the decoders for PNG and JPEG alone, and only from and to memory, because
// every file goes through nn/file.h.
#include <cstdlib>

#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_MAX_DIMENSIONS 8192
// A JPEG may use a Huffman table that it never defines. Version 2.27 then decodes with
// uninitialised memory; zeros make it an empty table. Later versions clear it themselves.
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(memory, size) std::realloc(memory, size)
#define STBI_FREE(memory) std::free(memory)
// A bad file must not end the program of a debug build.
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include "nn/content.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace forger::nn {
namespace {

using namespace std::string_view_literals;

struct Signature {
  size_t offset;
  std::string_view bytes;
  const char* name;
  bool is_in_text = false;  // True if a text may have these bytes here: "BMI,age".
};

constexpr std::array kSignatures = {
    Signature{0, "\x89PNG\r\n\x1a\n"sv, "a PNG image"},
    Signature{0, "\xff\xd8\xff"sv, "a JPEG image"},
    Signature{0, "GIF87a"sv, "a GIF image"},
    Signature{0, "GIF89a"sv, "a GIF image"},
    Signature{8, "WEBP"sv, "a WebP image"},
    Signature{4, "ftypavi"sv, "an AVIF image"},
    Signature{4, "ftyphei"sv, "a HEIC image"},
    Signature{4, "ftyphev"sv, "a HEIC image"},
    Signature{4, "ftypmif1"sv, "a HEIF image"},
    Signature{4, "ftypmsf1"sv, "a HEIF image"},
    Signature{4, "ftyp"sv, "a video in MP4 or QuickTime", true},
    Signature{0, "\0\0\0\x0cJXL "sv, "a JPEG XL image"},
    Signature{0, "\xff\x0a"sv, "a JPEG XL image"},
    Signature{0, "\0\0\0\x0cjP  "sv, "a JPEG 2000 image"},
    Signature{0, "8BPS\0\1"sv, "a Photoshop file"},
    Signature{0, "BM"sv, "a BMP image", true},
    Signature{0, "II*\0"sv, "a TIFF image"},
    Signature{0, "MM\0*"sv, "a TIFF image"},
    Signature{0, "\x1f\x8b"sv, "gzip data"},
    Signature{0, "PK\x03\x04"sv, "a zip archive"},
    Signature{0, "PK\x05\x06"sv, "an empty zip archive"},
    Signature{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive"},
    Signature{0, "Rar!\x1a\x07"sv, "a RAR archive"},
    Signature{0,
              "\xfd"
              "7zXZ\0"sv,
              "xz data"},
    Signature{0, "BZh"sv, "bzip2 data", true},
    Signature{0, "\x28\xb5\x2f\xfd"sv, "zstd data"},
    Signature{257, "ustar"sv, "a tar archive"},
    Signature{0, "\x93NUMPY"sv, "a NumPy array"},
    // the pickled number with which torch.save() began before version 1.6
    Signature{0, "\x80\x02\x8a\nl\xfc\x9c"sv, "a PyTorch file of torch.save()"},
    Signature{0, "\x80\x02"sv, "a Python pickle"},
    Signature{0, "\x80\x03"sv, "a Python pickle"},
    Signature{0, "\x80\x04\x95"sv, "a Python pickle"},
    Signature{0, "\x80\x05\x95"sv, "a Python pickle"},
    Signature{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
    Signature{0, "GGUF"sv, "a GGUF file"},
    Signature{0,
              "\x7f"
              "ELF"sv,
              "a program"},
    Signature{0, "version https://git-lfs"sv, "a Git LFS pointer: `git lfs pull` gets the file"},
    Signature{0, "%PDF"sv, "a PDF document"},
    Signature{0, "\0\0\x08\x01"sv, "an IDX file of labels"},
    Signature{0, "\0\0\x08\x03"sv, "an IDX file of images"},
    Signature{0, "\0\0\x08\x04"sv, "an IDX file of images"},
    Signature{0, "\0\x05\x16\7"sv, "an AppleDouble file of macOS"},
    Signature{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "an OLE file, such as Thumbs.db of Windows"},
    Signature{8, "{\""sv, "a safetensors file", true},
};

/// True if the bytes are printable UTF-8. The last character may be cut off.
bool is_text(std::string_view bytes) {
  size_t following = 0;  // continuation bytes that the character still needs
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = byte >> 6 == 0b10;
    if (continues != (following > 0)) return false;
    if (continues) {
      --following;
    } else if (byte >= 0x80) {
      following = byte >> 5 == 0b110 ? 1 : byte >> 4 == 0b1110 ? 2 : byte >> 3 == 0b11110 ? 3 : 0;
      if (following == 0) return false;
    } else if ((c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
      return false;
    }
  }
  return true;
}

/// What torch.save() writes is a zip archive whose first file is NAME/data.pkl.
bool is_pytorch_zip(std::string_view bytes) {
  return bytes.starts_with("PK\x03\x04") && bytes.find("/data.pkl") != bytes.npos;
}

}  // namespace

std::string describe_content(std::string_view first_bytes) {
  if (first_bytes.empty()) return "an empty file";
  if (is_pytorch_zip(first_bytes)) return "a PyTorch file of torch.save()";
  const bool text = is_text(first_bytes);
  for (const Signature& signature : kSignatures) {
    if (text && signature.is_in_text) continue;
    if (first_bytes.size() > signature.offset &&
        first_bytes.substr(signature.offset).starts_with(signature.bytes)) {
      return signature.name;
    }
  }
  if (first_bytes.starts_with("\xef\xbb\xbf")) first_bytes.remove_prefix(3);  // a byte order mark
  if (!text) return "an unknown format";
  const size_t start = first_bytes.find_first_not_of(" \t\r\n");
  const bool markup = start != std::string_view::npos && first_bytes[start] == '<';
  return markup ? "an HTML or XML page" : "text";
}

std::string show_bytes(std::string_view first_bytes) {
  first_bytes = first_bytes.substr(0, 16);
  if (is_text(first_bytes)) {
    const std::string line(first_bytes.substr(0, first_bytes.find_first_of("\r\n")));
    return '"' + line + '"';
  }
  constexpr const char* kHex = "0123456789abcdef";
  std::string text;
  for (const char c : first_bytes.substr(0, 8)) {
    const auto byte = static_cast<unsigned char>(c);
    if (!text.empty()) text += ' ';
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace forger::nn

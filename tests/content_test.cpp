// Tests the recognition of file formats by their first bytes.
#include "nn/content.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace forger::nn {

TEST_CASE("file formats are recognised by their first bytes") {
  const std::pair<std::string, std::string> formats[] = {
      {"", "an empty file"},
      {"\xff\xd8\xff\xe0", "a JPEG image"},
      {"\x89PNG\r\n\x1a\n", "a PNG image"},
      {std::string("PK\x03\x04\x14\0\0\0", 8), "a zip archive"},
      {std::string("PK\x05\x06\0\0", 6), "an empty zip archive"},
      {"PK\x03\x04....archive/data.pkl\x80\x02", "a PyTorch file of torch.save()"},
      {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", "a PyTorch file of torch.save()"},
      {"\x80\x02}q", "a Python pickle"},
      {"\x80\x03}q", "a Python pickle"},
      {"\x80\x04\x95\n", "a Python pickle"},
      {"\x80\x05\x95\n", "a Python pickle"},
      {"\x89HDF\r\n\x1a\n", "an HDF5 file"},
      {"GGUF\x03", "a GGUF file"},
      {"7z\xbc\xaf\x27\x1c", "a 7z archive"},
      {"Rar!\x1a\x07\x01", "a RAR archive"},
      {"\x7f\x45LF\x02", "a program"},
      {std::string("\x20\0\0\0\0\0\0\0{\"w\":", 13), "a safetensors file"},
      {"version https://git-lfs.github.com/spec/v1\n",
       "a Git LFS pointer: `git lfs pull` gets the file"},
      {std::string("BM\x36\0\0\0", 6), "a BMP image"},
      {"BZh91AY&SY\xa9", "bzip2 data"},
      {std::string("GIF89a\1\0\1\0", 10), "a GIF image"},
      {"%PDF-1.7\n", "a PDF document"},
      {std::string("\0\0\0\x1c", 4) + "ftypavis", "an AVIF image"},
      {std::string("\0\0\0\x18", 4) + "ftypheic", "a HEIC image"},
      {std::string("\0\0\0\x18", 4) + "ftyphevc", "a HEIC image"},
      {std::string("\0\0\0\x18", 4) + "ftypmif1", "a HEIF image"},
      {std::string("\0\0\0\x14", 4) + "ftypqt  ", "a video in MP4 or QuickTime"},
      {"the ftype of a file", "text"},
      {std::string("\0\0\0\x0cJXL \r\n\x87\n", 12), "a JPEG XL image"},
      {"\xff\x0a\xfa\x1f", "a JPEG XL image"},
      {std::string("\0\0\0\x0cjP  \r\n\x87\n", 12), "a JPEG 2000 image"},
      {std::string("8BPS\0\1\0\0", 8), "a Photoshop file"},
      {std::string("\0\0\x08\x04\0\0", 6), "an IDX file of images"},
      {std::string("\0\x05\x16\7\0\2", 6), "an AppleDouble file of macOS"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE file, such as Thumbs.db of Windows"},
      {"plain", "text"},
      {"BMI,age\n21.5,40\n", "text"},
      {"BZhang,x\n", "text"},
      {"GIF8 and other formats", "text"},
      {"var x = {\"a\": 1};", "text"},
      {"\n <html>", "an HTML or XML page"},
      {"<p>\xc3\xa9t\xc3\xa9</p>", "an HTML or XML page"},
      {"\xef\xbb\xbf<?xml version", "an HTML or XML page"},
      {"\xe2\x82\xac \xf0\x9f\x98\x80 cut off: \xf0\x9f", "text"},
      {"\xa9 Latin-1", "an unknown format"},
      {"\xc3(", "an unknown format"},
      {"\xff\xfe", "an unknown format"},
      {"bell \x07", "an unknown format"}};
  for (const auto& entry : formats) {
    CAPTURE(entry.first);
    CHECK(describe_content(entry.first) == entry.second);
  }
}

TEST_CASE("first bytes are printed as text or in hexadecimal") {
  CHECK(show_bytes("text\nmore") == "\"text\"");
  CHECK(show_bytes("\x01\xff") == "01 ff");
}

}  // namespace forger::nn

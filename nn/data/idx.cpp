#include "nn/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <system_error>

#include "autograd/error.h"
#include "nn/content.h"
#include "nn/data/folder.h"
#include "nn/escape.h"
#include "nn/file.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

constexpr uint8_t kUnsignedByte = 0x08;
constexpr uint64_t kMaxBytes = uint64_t{1} << 30;
// Deflate spends at least 2 bits on 258 bytes, so no stream grows more than 1032-fold. The slack is
// for the headers. A file that declares more bytes is refused before it is read.
constexpr uint64_t kMaxDeflateRatio = 1032, kDeflateSlack = 64 << 10;
constexpr size_t kShownNames = 4;  // in the Error for a folder without IDX files

/// The bytes of a file, decompressed if they are gzip. Apart from a small buffer it takes no
/// memory.
class ByteStream {
 public:
  explicit ByteStream(const fs::path& path) : source_(path.string()), file_(path) {
    fill();
    gzip_ = input().starts_with("\x1f\x8b");
    // 15: the largest window; + 16: a gzip header and checksum around the stream
    if (gzip_ && inflateInit2(&stream_, 15 + 16) != Z_OK) throw Error("zlib: cannot start");
  }
  ~ByteStream() { inflateEnd(&stream_); }
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  bool gzip() const { return gzip_; }
  /// True if the file ended within its gzip data.
  bool truncated() const { return gzip_ && ended_ && !complete_; }
  const std::string& source() const { return source_; }
  uint64_t file_size() const { return file_.size(); }
  /// An upper bound of the decompressed size, from the size of the file.
  uint64_t most_bytes() const {
    return gzip_ ? kMaxDeflateRatio * file_.size() + kDeflateSlack : file_.size();
  }

  /// Reads up to `count` bytes; fewer only at the end.
  uint64_t read(uint8_t* out, uint64_t count) {
    uint64_t done = 0;
    while (done < count && !ended_) {
      if (stream_.avail_in == 0) fill();
      done += gzip_ ? inflate_some(out + done, count - done) : copy_some(out + done, count - done);
    }
    return done;
  }

  /// Throws Error unless all has been read and, for gzip, the checksum was right.
  void expect_end() {
    uint8_t byte;
    if (read(&byte, 1) != 0) fail(source_, "there are more bytes than the header declares", {}, {});
    if (!gzip_) return;
    if (truncated()) fail(source_, "truncated: the gzip data end before their checksum", {}, {});
    if (stream_.avail_in == 0) fill();
    if (stream_.avail_in != 0) fail(source_, "there are bytes behind the gzip data", {}, {});
  }

 private:
  std::string_view input() const {
    return {reinterpret_cast<const char*>(stream_.next_in), stream_.avail_in};
  }

  void fill() {
    stream_.avail_in = static_cast<uInt>(file_.read(buffer_.data(), buffer_.size()));
    stream_.next_in = buffer_.data();
  }

  uint64_t copy_some(uint8_t* out, uint64_t count) {
    const uint64_t n = std::min<uint64_t>(count, stream_.avail_in);
    std::copy_n(stream_.next_in, n, out);
    stream_.next_in += n;
    stream_.avail_in -= static_cast<uInt>(n);
    ended_ = n == 0;
    return n;
  }

  uint64_t inflate_some(uint8_t* out, uint64_t count) {
    stream_.next_out = out;
    const auto space = static_cast<uInt>(std::min(count, kMaxBytes));
    stream_.avail_out = space;
    const bool at_end = stream_.avail_in == 0;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) fail(source_, "zlib: out of memory", {}, {});
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      fail(source_, "the gzip data are damaged",
           {std::string("zlib: ") + (stream_.msg != nullptr ? stream_.msg : "a preset dictionary")},
           {});
    }
    complete_ = result == Z_STREAM_END;
    ended_ = complete_ || (at_end && stream_.avail_out == space);
    return space - stream_.avail_out;
  }

  std::string source_;
  InputFile file_;
  bool gzip_ = false, ended_ = false, complete_ = false;
  z_stream stream_{};
  std::array<Bytef, 64 << 10> buffer_;
};

/// The name of a type of elements; null if the format has none of that number.
const char* type_name(uint8_t type) {
  switch (type) {
    case kUnsignedByte:
      return "unsigned byte";
    case 0x09:
      return "signed byte";
    case 0x0b:
      return "16-bit integer";
    case 0x0c:
      return "32-bit integer";
    case 0x0d:
      return "float";
    case 0x0e:
      return "double";
    default:
      return nullptr;
  }
}

std::string extents_text(const std::vector<uint64_t>& extents) {
  std::string text;
  for (const uint64_t extent : extents) {
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  }
  return text;
}

std::string hex(uint8_t byte) {
  constexpr const char* kHex = "0123456789abcdef";
  return std::string("0x") + kHex[byte >> 4] + kHex[byte & 15];
}

struct Idx {
  std::vector<uint64_t> extents;
  std::vector<uint8_t> bytes;
};

/// Throws the Error for a file whose first four bytes are no IDX magic number.
[[noreturn]] void fail_magic(ByteStream& file, std::vector<uint8_t> first) {
  const size_t had = first.size();
  first.resize(512);
  first.resize(had + file.read(first.data() + had, first.size() - had));
  const std::string_view text(reinterpret_cast<const char*>(first.data()), first.size());
  if (file.truncated()) {
    fail(file.source(), "truncated: the gzip data end before the IDX header", {}, {});
  }
  const std::string content = describe_content(text);
  if (file.gzip() && content == "gzip data") {
    fail(file.source(), "compressed twice: gzip inside gzip", {}, {});
  }
  fail(file.source(), "not an IDX file",
       {"found    " + content + (file.gzip() ? " inside gzip" : "") + ", beginning " +
            show_bytes(text),
        "expected 00 00 08, the number of axes, and the extents"},
       {});
}

/// Returns the number of elements. Throws Error if a file of this size cannot hold them.
uint64_t checked_count(const ByteStream& file, const std::vector<uint64_t>& extents,
                       uint64_t header_bytes) {
  uint64_t count = 1;
  for (const uint64_t extent : extents) {
    if (extent == 0)
      fail(file.source(), "there are no images or labels",
           {"the header declares " + extents_text(extents)}, {});
    count *= extent;  // cannot overflow: at most 2^30 so far, and extents have 32 bits
    if (count > kMaxBytes) {
      fail(file.source(), "too large",
           {"the header declares " + extents_text(extents) + " bytes, at most " +
            std::to_string(kMaxBytes) + " expected"},
           {});
    }
  }
  if (header_bytes + count > file.most_bytes()) {
    const std::string size = std::to_string(file.file_size());
    const std::string declared =
        "the header declares " + extents_text(extents) + " = " + std::to_string(count) + " bytes";
    fail(file.source(), "shorter than its header declares",
         {declared, file.gzip()
                        ? "the file has " + size + " bytes, which gzip cannot have made of them"
                        : "found " + std::to_string(file.file_size() - header_bytes) +
                              " bytes behind the header"},
         {});
  }
  return count;
}

/// Reads a file with as many axes as `what` ("images" or "labels") has.
Idx read_file_of(const fs::path& path, const std::string& what) {
  ByteStream file(path);
  if (file.file_size() == 0) fail(file.source(), "the file is empty", {}, {});

  std::vector<uint8_t> magic(4);
  magic.resize(file.read(magic.data(), magic.size()));
  // AVIF, HEIC and MP4 files begin with two zero bytes as well.
  const bool is_idx =
      magic.size() == 4 && magic[0] == 0 && magic[1] == 0 && type_name(magic[2]) != nullptr;
  if (!is_idx) fail_magic(file, magic);
  const uint8_t type = magic[2], axes = magic[3];
  if (type != kUnsignedByte) {
    fail(file.source(), "elements of another type",
         {"found    " + hex(type) + " (" + type_name(type) + ")", "expected 0x08 (unsigned byte)"},
         {});
  }
  const bool images = what == "images";
  if (images ? axes != 3 && axes != 4 : axes != 1) {
    fail(file.source(), "not an IDX file of " + what,
         {"found    " + std::to_string(axes) + (axes == 1 ? " axis" : " axes"),
          images ? "expected 3 axes (count, height, width) or 4 (count, channels, height, width)"
                 : "expected 1 axis (count)"},
         {});
  }

  Idx idx;
  for (int axis = 0; axis < axes; ++axis) {
    uint8_t word[4];
    if (file.read(word, 4) != 4) fail(file.source(), "truncated within the header", {}, {});
    idx.extents.push_back(uint64_t{word[0]} << 24 | uint64_t{word[1]} << 16 |
                          uint64_t{word[2]} << 8 | word[3]);
  }
  const uint64_t count = checked_count(file, idx.extents, 4 + 4 * uint64_t{axes});
  idx.bytes.resize(count);
  const uint64_t got = file.read(idx.bytes.data(), count);
  if (got != count) {
    fail(file.source(), "truncated",
         {"found " + std::to_string(got) + " of " + std::to_string(count) + " bytes (" +
          extents_text(idx.extents) + ")"},
         {});
  }
  file.expect_end();
  return idx;
}

void append_word(std::string& bytes, uint64_t word) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(word >> shift & 255);
}

std::string prefix(IdxPart part) { return part == IdxPart::kTrain ? "train" : "t10k"; }

std::string images_name(IdxPart part) { return prefix(part) + "-images-idx3-ubyte"; }
std::string labels_name(IdxPart part) { return prefix(part) + "-labels-idx1-ubyte"; }

std::optional<fs::path> find_file(const fs::path& folder, const std::string& name) {
  std::string with_dot = name;  // train-images.idx3-ubyte
  with_dot[name.find("-idx")] = '.';
  for (const char* ending : {"", ".gz"}) {
    for (const std::string& spelling : {name, with_dot}) {
      const fs::path path = folder / (spelling + ending);
      std::error_code unseen;
      if (is_there(path) && !fs::is_directory(path, unseen)) return path;
    }
  }
  return std::nullopt;
}

/// Returns the names in a folder in the order of their bytes. Those of folders end with a slash.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code unseen;
    const bool is_folder = fs::is_directory(entry->path(), unseen);
    names.push_back(entry->path().filename().string() + (is_folder ? "/" : ""));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// True for "Train-Images-IDX3-ubyte (1).zip", which is similar to the name of an IDX file.
bool is_similar(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name.find("idx") != std::string::npos || name.find("ubyte") != std::string::npos;
}

/// "a, b and 3 more"
std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  const size_t shown = std::min(names.size(), kShownNames);
  for (size_t i = 0; i < shown; ++i) list += (i == 0 ? "" : ", ") + escape(names[i]);
  if (names.size() > shown) list += " and " + std::to_string(names.size() - shown) + " more";
  return list;
}

/// Throws the Error for a folder in which find_idx() finds nothing.
[[noreturn]] void fail_missing(const fs::path& folder, IdxPart part) {
  const auto images = find_file(folder, images_name(part));
  const auto labels = find_file(folder, labels_name(part));
  if (images || labels) {
    fail(folder.string(),
         images ? "the IDX file of the labels is missing" : "the IDX file of the images is missing",
         {"found    " + (images ? *images : *labels).filename().string(),
          "expected " + (images ? labels_name(part) : images_name(part)) +
              " beside it, plain or with .gz"},
         {});
  }
  const std::vector<std::string> names = names_in(folder);
  std::vector<std::string> similar, details;
  std::copy_if(names.begin(), names.end(), std::back_inserter(similar), is_similar);
  if (!names.empty()) details.push_back("found    " + list_of(similar.empty() ? names : similar));
  details.push_back("expected " + images_name(part) + " and " + labels_name(part) + ",");
  details.push_back("each plain or with .gz");
  std::vector<fs::path> elsewhere = {absolute_path(folder / "..")};
  for (const std::string& name : names) elsewhere.push_back(folder / name);
  for (const fs::path& place : elsewhere) {
    const auto found = find_idx(place, part);
    std::error_code unseen;
    if (found && fs::is_regular_file(found->images, unseen)) {
      details.push_back("both are in " + place.string());
    }
  }
  fail(folder.string(),
       similar.empty() ? "no IDX files in this folder" : "no IDX files of the expected names",
       details, {});
}

}  // namespace

ImageSet read_idx(const fs::path& images_path, const fs::path& labels_path) {
  Idx idx = read_file_of(images_path, "images");
  const auto extent = [&](size_t axis) { return static_cast<int64_t>(idx.extents[axis]); };
  const size_t axes = idx.extents.size();
  ImageSet images;
  images.count = extent(0);
  images.channels = axes == 4 ? extent(1) : 1;
  images.height = extent(axes - 2);
  images.width = extent(axes - 1);
  images.pixels = std::move(idx.bytes);
  images.source = images_path.string();
  if (labels_path.empty()) return images;

  const Idx labels = read_file_of(labels_path, "labels");
  if (labels.bytes.size() != idx.extents[0]) {
    fail(labels_path.string(), "the counts of labels and images differ",
         {"found    " + std::to_string(labels.bytes.size()) + " labels",
          "expected " + std::to_string(images.count) + ", the images in " + images.source},
         {});
  }
  images.labels.assign(labels.bytes.begin(), labels.bytes.end());
  const int classes = *std::max_element(images.labels.begin(), images.labels.end()) + 1;
  for (int label = 0; label < classes; ++label) images.class_names.push_back(std::to_string(label));
  return images;
}

std::optional<IdxPaths> find_idx(const fs::path& folder, IdxPart part) {
  const auto images = find_file(folder, images_name(part));
  const auto labels = find_file(folder, labels_name(part));
  if (!images || !labels) return std::nullopt;
  return IdxPaths{*images, *labels};
}

ImageSet read_idx_folder(const fs::path& folder, IdxPart part) {
  check_folder(folder);
  const auto paths = find_idx(folder, part);
  if (!paths) fail_missing(folder, part);
  return read_idx(paths->images, paths->labels);
}

std::vector<std::string> fashion_mnist_classes() {
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

namespace {

/// Throws Error unless read_idx() takes a file with so many elements.
void check_writable(const fs::path& path, size_t bytes) {
  if (bytes == 0) fail(path.string(), "there are no images or labels to write", {}, {});
  if (bytes <= kMaxBytes) return;
  fail(path.string(), "more than an IDX file should hold",
       {"found " + std::to_string(bytes) + " bytes, at most " + std::to_string(kMaxBytes) +
        " expected"},
       {});
}

}  // namespace

void write_idx_images(const fs::path& path, const ImageSet& images, SourceLoc loc) {
  check_images(images, loc);
  check_writable(path, images.pixels.size());
  const bool grey = images.channels == 1;
  std::string bytes("\0\0\x08", 3);
  bytes += grey ? '\x03' : '\x04';
  append_word(bytes, static_cast<uint64_t>(images.count));
  if (!grey) append_word(bytes, static_cast<uint64_t>(images.channels));
  append_word(bytes, static_cast<uint64_t>(images.height));
  append_word(bytes, static_cast<uint64_t>(images.width));
  bytes.append(images.pixels.begin(), images.pixels.end());
  write_file(path, bytes);
}

void write_idx_labels(const fs::path& path, const std::vector<int>& labels) {
  check_writable(path, labels.size());
  std::string bytes("\0\0\x08\x01", 4);
  append_word(bytes, labels.size());
  for (const int label : labels) {
    if (label < 0 || label > 255) {
      fail(path.string(), "a label does not fit a byte", {"found " + std::to_string(label)}, {});
    }
    bytes += static_cast<char>(label);
  }
  write_file(path, bytes);
}

}  // namespace forger::nn

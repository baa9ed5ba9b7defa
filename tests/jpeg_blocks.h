#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

/// Writes JPEG files that no library writes: CMYK, progressive, with any segments. Each block of
/// 8 x 8 pixels has one colour, which decodes exactly: its mean is the only coefficient.
namespace forger {

struct JpegBlocks {
  int columns = 1, rows = 1, channels = 1;
  std::vector<uint8_t> values;  // [rows, columns, channels], a value per block and channel
  std::string segments;         // behind the start marker: APP0 to APP15
  bool progressive = false;
};

/// A segment of a JPEG: its marker, its length and its bytes.
inline std::string jpeg_segment(uint8_t marker, const std::string& bytes) {
  const size_t length = bytes.size() + 2;
  return std::string{'\xff', static_cast<char>(marker), static_cast<char>(length >> 8),
                     static_cast<char>(length & 255)} +
         bytes;
}

/// Adobe's segment, which names the transform of the colours.
inline std::string adobe_segment(char transform) {
  return jpeg_segment(0xee, std::string("Adobe\0\x64\0\0\0\0", 11) + transform);
}

/// The bits of a scan. A byte of ones is followed by a zero, so that it is no marker.
class JpegBits {
 public:
  void add(unsigned value, int count) {
    for (int bit = count - 1; bit >= 0; --bit) {
      byte_ = byte_ << 1 | (value >> bit & 1);
      if (++used_ < 8) continue;
      bytes_ += static_cast<char>(byte_);
      if (byte_ == 255) bytes_ += '\0';
      byte_ = 0;
      used_ = 0;
    }
  }
  std::string finish() {
    while (used_ != 0) add(1, 1);
    return bytes_;
  }

 private:
  std::string bytes_;
  unsigned byte_ = 0;
  int used_ = 0;
};

inline std::string jpeg_of(const JpegBlocks& image) {
  const auto byte = [](int value) { return std::string(1, static_cast<char>(value)); };
  const auto word = [&](int value) { return byte(value >> 8) + byte(value & 255); };
  // With 8 as the first quantisation step, the first coefficient is the mean minus 128.
  std::string quantisation = byte(0) + byte(8) + std::string(63, '\1');
  // Table 0 of means: the categories 0 to 11, with 4 bits each. Table 0 of the other coefficients:
  // the end of the block alone, with 1 bit.
  std::string means = byte(0x00) + std::string(3, '\0') + byte(12) + std::string(12, '\0');
  for (int category = 0; category < 12; ++category) means += byte(category);
  const std::string others = byte(0x10) + byte(1) + std::string(15, '\0') + byte(0);
  std::string frame =
      byte(8) + word(8 * image.rows) + word(8 * image.columns) + byte(image.channels);
  std::string scan = byte(image.channels);
  for (int c = 0; c < image.channels; ++c) {
    frame += byte(c + 1) + byte(0x11) + byte(0);
    scan += byte(c + 1) + byte(0x00);
  }
  scan += byte(0) + byte(image.progressive ? 0 : 63) + byte(0);

  JpegBits bits;
  std::vector<int> last(static_cast<size_t>(image.channels), 128);
  for (size_t i = 0; i < image.values.size(); ++i) {
    int& previous = last[i % last.size()];
    const int difference = image.values[i] - previous;
    previous = image.values[i];
    int category = 0;
    while (std::abs(difference) >> category != 0) ++category;
    bits.add(static_cast<unsigned>(category), 4);
    const int code = difference >= 0 ? difference : difference + (1 << category) - 1;
    bits.add(static_cast<unsigned>(code), category);
    if (!image.progressive) bits.add(0, 1);
  }
  return "\xff\xd8" + image.segments + jpeg_segment(0xdb, quantisation) +
         jpeg_segment(image.progressive ? 0xc2 : 0xc0, frame) + jpeg_segment(0xc4, means) +
         jpeg_segment(0xc4, others) + jpeg_segment(0xda, scan) + bits.finish() + "\xff\xd9";
}

}  // namespace forger

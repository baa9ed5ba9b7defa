#include "nn/data/points.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/error.h"
#include "nn/content.h"
#include "nn/escape.h"
#include "nn/file.h"

namespace forger::nn {
namespace {

constexpr uint64_t kMaxBytes = 64 << 20;
constexpr double kMostAbsolute = 1e12;
constexpr double kLeastSpread = 1e-12;
// Points must differ by more than the rounding of a coordinate to a 32-bit number.
constexpr double kLeastRelativeSpread = 1e-4;
constexpr size_t kShownBytes = 60;
constexpr std::string_view kBlanks = " \t\f\v";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Splits the next line off `text`.
std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find_first_of("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end);
  text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
  return line;
}

char separator_of(std::string_view line) {
  for (const char separator : {';', '\t', ','}) {
    if (line.find(separator) != std::string_view::npos) return separator;
  }
  return ' ';
}

/// Returns the columns of a line without the blanks and the quotes around each.
std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> columns;
  for (;;) {
    const size_t end = separator == ' ' ? line.find_first_of(kBlanks) : line.find(separator);
    std::string_view column = trimmed(line.substr(0, end));
    if (column.size() >= 2 && column.front() == '"' && column.back() == '"') {
      column = trimmed(column.substr(1, column.size() - 2));
    }
    columns.push_back(column);
    if (end == std::string_view::npos) return columns;
    line.remove_prefix(end + 1);
    if (separator == ' ') line = trimmed(line);
  }
}

/// Reads a decimal fraction such as "-1.5e3". Returns false for anything else.
bool read_number(std::string_view text, double& number) {
  // std::strtod reads more than that: hexadecimal numbers, "nan" and "inf".
  if (text.empty() || text.find_first_not_of("+-.0123456789eE") != std::string_view::npos) {
    return false;
  }
  const std::string copy(text);
  char* end = nullptr;
  number = std::strtod(copy.c_str(), &end);
  return end == copy.c_str() + copy.size();
}

bool begins_like_a_number(std::string_view column) {
  if (column.starts_with('+') || column.starts_with('-')) column.remove_prefix(1);
  if (column.starts_with('.')) column.remove_prefix(1);
  return column.empty() || is_digit(column.front());
}

bool is_not_finite(std::string_view column) {
  std::string word;
  for (const char c : column) {
    if (c != '+' && c != '-' && c != '#') word += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  }
  return word == "nan" || word == "inf" || word == "infinity";
}

bool has_decimal_comma(std::string_view column) {
  return std::count(column.begin(), column.end(), ',') == 1 && is_digit(column.back()) &&
         column.find_first_not_of("+-,0123456789eE") == std::string_view::npos;
}

/// Reads the lines of one file.
class Reader {
 public:
  Reader(const std::filesystem::path& path, std::string_view text)
      : source_(path.string()), text_(text) {}

  /// Returns x and y of each point.
  std::vector<double> read() {
    std::vector<double> numbers;
    bool is_first = true;  // of the lines that count
    while (!text_.empty()) {
      line_ = next_line(text_);
      ++number_;
      const std::string_view content = trimmed(line_);
      if (content.empty() || content.starts_with('#')) continue;
      // The line after a header may have another separator.
      if (numbers.empty()) separator_ = separator_of(content);
      const std::vector<std::string_view> columns = split(content, separator_);
      const bool is_header =
          is_first && columns.size() == 2 && is_name(columns[0]) && is_name(columns[1]);
      is_first = false;
      if (is_header) continue;
      if (columns.size() != 2) fail_columns(columns);
      for (const std::string_view column : columns) numbers.push_back(coordinate(column));
    }
    return numbers;
  }

 private:
  static bool is_name(std::string_view column) {
    return !begins_like_a_number(column) && !is_not_finite(column);
  }

  double coordinate(std::string_view column) const {
    double number = 0;
    if (!read_number(column, number)) {
      if (is_not_finite(column)) fail_line("not a finite number", column, "a number");
      if (has_decimal_comma(column)) {
        fail_line("a decimal comma", column, "a decimal point, such as 1.5");
      }
      fail_line("not a number", column, "a number such as -1.5 or 2e-3");
    }
    if (!(std::abs(number) <= kMostAbsolute)) {
      fail_line("out of range", column, "at most 1e12 on either side of 0");
    }
    return number;
  }

  [[noreturn]] void fail_columns(const std::vector<std::string_view>& columns) const {
    const size_t count = columns.size();
    const bool commas = separator_ == ',' && count == 4 &&
                        std::all_of(columns.begin(), columns.end(), [](std::string_view column) {
                          return begins_like_a_number(column);
                        });
    fail_line(count == 1 ? "one column" : std::to_string(count) + " columns", trimmed(line_),
              commas ? "2: x and y, with decimal points instead of commas" : "2: x and y");
  }

  [[noreturn]] void fail_line(const std::string& what, std::string_view found,
                              const std::string& expected) const {
    const std::string shown = escape(found.substr(0, kShownBytes));
    fail(source_ + ":" + std::to_string(number_), what,
         {"found    " + (shown.empty() ? "nothing" : shown) +
              (found.size() > kShownBytes ? "..." : ""),
          "expected " + expected},
         {});
  }

  std::string source_;
  std::string_view text_, line_;
  int64_t number_ = 0;  // of the line, from 1
  char separator_ = ',';
};

std::string short_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

/// The mean of points and the root of their mean square distance from it.
struct Spread {
  std::array<double, 2> mean;
  double distance;
};

template <class Number>
Spread spread_of(const Number* points, int64_t n) {
  Spread spread{};
  const auto count = static_cast<double>(n);
  for (int64_t i = 0; i < 2 * n; ++i) spread.mean[i % 2 == 0 ? 0 : 1] += points[i] / count;
  double sum = 0;
  for (int64_t i = 0; i < 2 * n; ++i) {
    const double difference = points[i] - spread.mean[i % 2 == 0 ? 0 : 1];
    sum += difference * difference;
  }
  spread.distance = std::sqrt(sum / count);
  return spread;
}

void check_plane(const char* op, const Tensor& points, SourceLoc loc) {
  if (points.rank() == 2 && points.shape()[1] == 2) return;
  fail(op, "these are no points in the plane",
       {"found    " + points.shape().str(), "expected [n, 2]"}, loc);
}

/// Throws Error unless there are two different points and all are finite.
Spread checked_spread(const char* op, const Tensor& points, SourceLoc loc) {
  check_plane(op, points, loc);
  const int64_t n = points.shape()[0];
  const Spread spread = n == 0 ? Spread{} : spread_of(points.data(), n);
  if (!std::isfinite(spread.distance)) fail(op, "a point is not finite", {}, loc);
  if (!(spread.distance > 0)) {
    fail(op, "there must be two different points", {"found    " + points.shape().str()}, loc);
  }
  return spread;
}

/// Returns points * factor + offset.
Tensor mapped(const Tensor& points, double factor, const std::array<double, 2>& offset) {
  Tensor result = Tensor::empty(points.shape());
  Scalar* out = result.mutable_data();
  for (int64_t i = 0; i < points.numel(); ++i) {
    out[i] = static_cast<Scalar>(points.data()[i] * factor + offset[i % 2 == 0 ? 0 : 1]);
  }
  return result;
}

}  // namespace

Tensor read_points(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaxBytes);
  const std::string source = path.string();
  std::string_view text = bytes;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    fail(source, "not a table of points", {"found    UTF-16 text", "expected UTF-8 text"}, {});
  }
  const std::string content = describe_content(text.substr(0, 512));
  if (content == "an empty file") {
    fail(source, "an empty file", {"expected 2 columns, x and y, and at least 2 points"}, {});
  }
  if (content != "text") {
    fail(source, "not a table of points", {"found    " + content, "expected text"}, {});
  }
  const std::vector<double> numbers = Reader(path, text).read();
  const auto n = static_cast<int64_t>(numbers.size() / 2);
  if (n < 2) {
    fail(source, "too few points", {"found    " + std::to_string(n), "expected at least 2"}, {});
  }
  if (std::equal(numbers.begin() + 2, numbers.end(), numbers.begin())) {
    fail(source, "all points are equal",
         {"found    " + std::to_string(n) + " times the same", "expected at least 2 that differ"},
         {});
  }
  double largest = 0;
  for (const double number : numbers) largest = std::max(largest, std::abs(number));
  const double distance = spread_of(numbers.data(), n).distance;
  const double least = std::max(kLeastSpread, kLeastRelativeSpread * largest);
  if (distance < least) {
    fail(source, "the points are too close together for 32-bit numbers",
         {"found    " + short_text(distance) +
              ", the root of the mean square distance from their mean",
          "expected at least " + short_text(least)},
         {});
  }
  return Tensor::from({n, 2}, {numbers.begin(), numbers.end()});
}

Tensor PlaneFrame::normalise(const Tensor& points, SourceLoc loc) const {
  check_plane("normalise", points, loc);
  return mapped(points, 1 / scale, {-centre[0] / scale, -centre[1] / scale});
}

Tensor PlaneFrame::restore(const Tensor& points, SourceLoc loc) const {
  check_plane("restore", points, loc);
  return mapped(points, scale, centre);
}

PlaneFrame fit_frame(const Tensor& points, SourceLoc loc) {
  const Spread spread = checked_spread("fit_frame", points, loc);
  return {spread.mean, spread.distance / std::sqrt(2.0)};
}

double fit_half_width(const Tensor& points, SourceLoc loc) {
  checked_spread("fit_half_width", points, loc);
  std::vector<double> reach;
  for (int64_t i = 0; i < points.shape()[0]; ++i) {
    reach.push_back(
        std::max(std::abs(double(points.at({i, 0}))), std::abs(double(points.at({i, 1})))));
  }
  const auto kept = reach.begin() + static_cast<std::ptrdiff_t>((reach.size() - 1) * 99 / 100);
  std::nth_element(reach.begin(), kept, reach.end());
  return 1.25 * (*kept > 0 ? *kept : *std::max_element(reach.begin(), reach.end()));
}

}  // namespace forger::nn

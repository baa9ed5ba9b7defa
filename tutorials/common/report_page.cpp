#include "tutorials/common/report_page.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "autograd/error.h"
#include "nn/data/folder.h"
#include "nn/file.h"
#include "report_page_files.h"
#include "tutorials/common/metrics_table.h"
#include "tutorials/common/sample_grids.h"
#include "tutorials/common/warning_signs.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxCsvBytes = uint64_t{1} << 30, kMaxJsonBytes = 1 << 20;
constexpr size_t kMostPoints = 4000;  // per curve
constexpr uint64_t kMostGrids = 60, kMostGridBytes = 4 << 20;

std::string base64(std::string_view bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t at) {
      return at < bytes.size() ? static_cast<uint32_t>(static_cast<unsigned char>(bytes[at])) : 0;
    };
    const uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (const int shift : {18, 12, 6, 0}) text += kDigits[bits >> shift & 63];
  }
  const size_t missing = (3 - bytes.size() % 3) % 3;
  return text.replace(text.size() - missing, missing, missing, '=');
}

Json describe(const MetricsTable& metrics, const std::vector<Curve>& curves) {
  if (metrics.columns.empty() || metrics.steps().empty()) return nullptr;
  const size_t rows = rows_per_point(metrics.steps().size(), kMostPoints);
  Json columns = Json::object();
  for (const Curve& curve : curves) {
    const std::vector<double>* column = metrics.find(curve.column);
    if (column == nullptr) continue;
    const ThinnedColumn thinned = thin(*column, rows);
    Json& out = columns[curve.column] = {{"mean", thinned.mean}};
    if (rows > 1) out.update({{"low", thinned.low}, {"high", thinned.high}});
  }
  return {{"last_step", static_cast<int64_t>(metrics.steps().back())},
          {"rows_per_point", rows},
          {"step", thin_steps(metrics.steps(), rows)},
          {"columns", columns}};
}

Json parse_settings(const std::string& text, const std::string& source) {
  Json settings = Json::parse(text, nullptr, false);
  if (!settings.is_object()) {
    fail(source, "not the settings of a run", {"expected a JSON object"}, {});
  }
  return settings;
}

/// Returns the data of the page as JSON that may stand in a script element: "<" occurs in strings
/// alone, where it is escaped, so neither "</script>" nor "<!--" can occur.
std::string to_script(const Json& data) {
  // Bytes that are not UTF-8 are replaced, which is better than no page.
  const std::string json = data.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string script;
  script.reserve(json.size());
  for (size_t at = 0; at < json.size();) {
    const size_t end = std::min(json.find('<', at), json.size());
    script.append(json, at, end - at);
    if (end < json.size()) script += "\\u003c";
    at = end + 1;
  }
  return script;
}

/// Replaces each {{name}} of the template by the file of that name, and {{data}}.
std::string fill_template(std::string_view html, std::string_view data) {
  std::string page;
  page.reserve(html.size() + data.size());
  for (size_t begin; (begin = html.find("{{")) != std::string_view::npos;) {
    const size_t end = html.find("}}", begin);
    const std::string_view name = html.substr(begin + 2, end - begin - 2);
    page += html.substr(0, begin);
    page += name == "data" ? data : report_page_file(name);
    html.remove_prefix(end + 2);
  }
  return page += html;
}

}  // namespace

std::string report_page(const fs::path& folder, const ReportText& text) {
  std::vector<std::string> notes;
  const auto read = [&](const char* name, const auto& from) {
    const fs::path path = folder / name;
    try {
      nn::is_there(path) ? from(path) : notes.push_back("There is no " + std::string(name) + ".");
    } catch (const std::exception& error) {
      notes.push_back(error.what());
    }
  };
  MetricsTable metrics;
  read("metrics.csv", [&](const fs::path& path) {
    metrics = parse_metrics(nn::read_file(path, kMaxCsvBytes), path.string());
  });
  std::vector<SampleGrid> grids;
  read("samples", [&](const fs::path& path) {
    grids = read_sample_grids(path, text.sample_columns, kMostGrids, kMostGridBytes, notes);
  });
  Json settings;
  read("run.json", [&](const fs::path& path) {
    settings = parse_settings(nn::read_file(path, kMaxJsonBytes), path.string());
  });

  Json curves = Json::array(), samples = Json::array(), signs = Json::array();
  for (const Curve& curve : text.curves) {
    curves.push_back({{"column", curve.column},
                      {"label", curve.label.empty() ? curve.column : curve.label},
                      {"chart", curve.chart},
                      {"how_to_read", curve.how_to_read}});
  }
  for (const SampleGrid& grid : grids) {
    samples.push_back({{"step", grid.step}, {"png", base64(grid.png)}});
  }
  for (const WarningSign& sign : warning_signs(metrics, grids)) {
    signs.push_back({{"kind", sign.kind}, {"column", sign.column}, {"stretches", sign.stretches}});
  }
  const Json data = {{"title", text.title},
                     {"settings", settings},
                     {"grids", text.sample_columns > 0},
                     {"curves", curves},
                     {"metrics", describe(metrics, text.curves)},
                     {"signs", signs},
                     {"samples", samples},
                     {"notes", notes}};
  return fill_template(report_page_file("page.html"), to_script(data));
}

void write_report_page(const fs::path& folder, const ReportText& text) {
  try {
    nn::write_file(folder / "report.html", report_page(folder, text));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\nthe run goes on without a new report\n", error.what());
  }
}

}  // namespace forger::tutorials

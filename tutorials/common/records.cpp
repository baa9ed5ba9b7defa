#include "tutorials/common/records.h"

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "autograd/error.h"
#include "nn/escape.h"
#include "nn/file.h"
#include "tutorials/common/checksum.h"
#include "tutorials/common/experiment_result.h"
#include "tutorials/common/provenance.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kMostBytes = 64 << 20;

/// Appends what a result was made with.
void add_provenance(Json& json) {
  const Provenance made_with = provenance();
  json["commit"] = made_with.commit;
  json["compiler"] = made_with.compiler;
  json["kernels"] = made_with.kernels;
  json["threads"] = made_with.threads;
  json["wait_policy"] = made_with.wait_policy;
}

std::string relation_name(Relation relation) {
  switch (relation) {
    case Relation::kAbout:
      return "about";
    case Relation::kAtLeast:
      return "at least";
    case Relation::kAtMost:
      return "at most";
    default:
      return "none";
  }
}

Json summary_json(const std::vector<double>& values) {
  const Summary summary = summarise(values);
  return {{"mean", summary.mean}, {"least", summary.least}, {"most", summary.most}};
}

Json prediction_json(const Prediction& prediction, const std::vector<double>& values) {
  Json json = {{"quantity", prediction.quantity}, {"relation", relation_name(prediction.relation)}};
  if (prediction.relation != Relation::kNone) json["value"] = prediction.value;
  if (prediction.relation == Relation::kAbout) json["tolerance"] = prediction.tolerance;
  json["source"] = prediction.source;
  json["measured"] = summary_json(values);
  if (prediction.relation != Relation::kNone) {
    const Summary summary = summarise(values);
    json["gap"] = gap(prediction, summary);
    json["fulfilled"] = is_fulfilled(prediction, summary);
  }
  return json;
}

Json series_json(const Series& series) {
  Json points = Json::array();
  for (const auto& [point, values] : series.points) {
    Json json;
    if (point.is_number) json["at"] = point.number;
    if (!point.is_number && !point.axis.empty()) json["at"] = point.text;
    json.update(summary_json(values));
    json["values"] = values;
    points.push_back(json);
  }
  Json json = {{"quantity", series.quantity}};
  if (!series.points[0].first.axis.empty()) json["axis"] = series.points[0].first.axis;
  json["points"] = points;
  return json;
}

Json forks_json(const std::vector<Fork>& forks) {
  Json json = Json::array();
  for (const Fork& fork : forks) {
    Json changes = Json::object();
    for (const Change& change : fork.changes) {
      changes[change.option] = {{"before", change.before}, {"after", change.after}};
    }
    json.push_back({{"run", fork.run}, {"step", fork.step}, {"changes", changes}});
  }
  return json;
}

}  // namespace

void write_run_json(const fs::path& path, const std::string& chapter,
                    const std::vector<Option>& options, const std::vector<Fork>& forks) {
  Json values;
  for (const Option& option : options) {
    auto& value = values[option.name];
    if (auto* text = std::get_if<std::string*>(&option.value)) {
      value = nn::escape(**text);  // a path may not be UTF-8
    } else {
      std::visit([&](const auto* number) { value = *number; }, option.value);
    }
  }
  Json run = {{"chapter", chapter}, {"options", values}};
  if (!forks.empty()) run["forks"] = forks_json(forks);
  add_provenance(run);
  nn::write_file(path, run.dump(2) + "\n");
}

std::string forks_text(const std::vector<Fork>& forks) { return forks_json(forks).dump(); }

std::vector<Fork> parse_forks(const std::string& text, const std::string& title) {
  std::vector<Fork> forks;
  try {
    for (const Json& json : Json::parse(text)) {
      Fork fork{json.at("run"), json.at("step"), {}};
      for (const auto& [option, change] : json.at("changes").items()) {
        fork.changes.push_back({option, change.at("before"), change.at("after")});
      }
      forks.push_back(fork);
    }
  } catch (const Json::exception& error) {
    fail(title, "not a list of forks", {"found    " + nn::escape(text), error.what()}, {});
  }
  return forks;
}

void write_result(const fs::path& file, const Experiment& experiment, const Inputs& inputs,
                  const Measurement& measurement, double reader) {
  Json json = {{"experiment", experiment.id}, {"title", experiment.title}};
  json["predictions"] = Json::array();
  for (const Prediction& prediction : experiment.predictions) {
    json["predictions"].push_back(
        prediction_json(prediction, numbers_of(measurement, prediction.quantity)));
  }
  if (!std::isnan(reader)) json["reader"] = reader;
  json["series"] = Json::array();
  for (const Series& series : measurement.series()) json["series"].push_back(series_json(series));
  json["pictures"] = Json::array();
  for (const auto& [name, bytes] : measurement.pictures()) {
    json["pictures"].push_back(
        {{"file", experiment.id + "_" + name}, {"checksum", checksum(bytes)}});
  }
  json["seeds"] = measurement.seeds();
  json["quick"] = measurement.quick();
  json["seconds"] = std::round(measurement.seconds() * 10) / 10;
  add_provenance(json);
  json["inputs"] = {{"checksum", inputs.checksum}, {"files", inputs.files}};

  for (const auto& [name, bytes] : measurement.pictures()) {
    nn::write_file(file.parent_path() / (experiment.id + "_" + name), bytes);
  }
  nn::write_file(file, json.dump(1) + "\n");
}

Recorded read_result(const fs::path& file) {
  Recorded recorded;
  try {
    const Json json = Json::parse(nn::read_file(file, kMostBytes));
    for (const Json& series : json.at("series")) {
      if (series.contains("axis")) continue;
      recorded.means[series.at("quantity")] = series.at("points").at(0).at("mean");
    }
    recorded.checksum = json.at("inputs").at("checksum");
  } catch (const Error&) {
    return {};
  } catch (const Json::exception&) {
    return {};
  }
  return recorded;
}

}  // namespace forger::tutorials

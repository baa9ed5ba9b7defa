#include "tutorials/common/experiment_result.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <numeric>

#include "autograd/error.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "tutorials/common/provenance.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kMostBytes = 64 << 20;

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

}  // namespace

Summary summarise(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {sum / static_cast<double>(values.size()), *least, *most};
}

double gap(const Prediction& prediction, const Summary& summary) {
  if (prediction.relation == Relation::kNone) {
    throw Error(prediction.quantity + ": nothing is predicted");
  }
  return summary.mean - prediction.value;
}

bool is_fulfilled(const Prediction& prediction, const Summary& summary) {
  switch (prediction.relation) {
    case Relation::kAbout:
      return std::fabs(summary.mean - prediction.value) <= prediction.tolerance;
    case Relation::kAtLeast:
      return summary.mean >= prediction.value;
    case Relation::kAtMost:
      return summary.mean <= prediction.value;
    default:
      return false;
  }
}

const std::vector<double>& numbers_of(const Measurement& measurement, const std::string& quantity) {
  for (const Series& series : measurement.series()) {
    if (series.quantity == quantity && series.points[0].first.axis.empty()) {
      return series.points[0].second;
    }
  }
  throw Error(quantity + ": predicted, but not recorded");
}

void write_result(const fs::path& file, const Experiment& experiment, const Inputs& inputs,
                  const Measurement& measurement, double reader) {
  const Provenance made_with = provenance();
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
  for (const auto& picture : measurement.pictures()) {
    json["pictures"].push_back(experiment.id + "_" + picture.first + ".png");
  }
  json["seeds"] = measurement.seeds();
  json["quick"] = measurement.quick();
  json["seconds"] = std::round(measurement.seconds() * 10) / 10;
  json["kernels"] = made_with.kernels;
  json["threads"] = made_with.threads;
  json["compiler"] = made_with.compiler;
  json["commit"] = made_with.commit;
  json["inputs"] = {{"checksum", inputs.checksum}, {"files", inputs.files}};

  for (const auto& [name, image] : measurement.pictures()) {
    nn::write_png(file.parent_path() / (experiment.id + "_" + name + ".png"), image);
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

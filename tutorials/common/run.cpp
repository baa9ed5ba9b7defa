#include "tutorials/common/run.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "autograd/error.h"
#include "nn/data/folder.h"
#include "nn/escape.h"
#include "tutorials/common/animation.h"
#include "tutorials/common/checksum.h"
#include "tutorials/common/fork.h"
#include "tutorials/common/records.h"
#include "tutorials/common/report_page.h"
#include "tutorials/common/stop_signal.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSkipped = "skipped.txt";
constexpr std::chrono::seconds kReportPause(10);

constexpr uint64_t kMostFileBytes = uint64_t{1} << 30;

/// "D(G(z))" is the column D_G_z of metrics.csv.
std::string csv_header(const Metrics& metrics, bool with_epochs) {
  std::string header = with_epochs ? "step,epoch" : "step";
  for (const Metric& metric : metrics) header += "," + std::string(metric.name);
  std::replace(header.begin(), header.end(), '(', '_');
  header.erase(std::remove(header.begin(), header.end(), ')'), header.end());
  return header;
}

}  // namespace

Run::Run(const Chapter& chapter, RunOptions& options, std::vector<Option>& table)
    : chapter_(chapter), options_(options), table_(table) {
  resolve_folders(options_.data);
  if (find_option(table_, "epochs").given && !find_option(table_, "steps").given) {
    options_.steps = 0;  // it may have a default
  }
  if (!options_.fork.empty() && !options_.resume) {
    fail_option("--fork", "goes with --resume only", options_.fork,
                "--resume --out RUN --fork " + options_.fork);
  }
  if (options_.at >= 0 && options_.fork.empty()) {
    fail_option("--at", "goes with --fork only", std::to_string(options_.at), "--fork NEW as well");
  }
  options_.resume ? prepare_resume() : prepare_new();
  if (options_.threads > 0) omp_set_num_threads(static_cast<int>(options_.threads));
}

const nn::ImageSet& Run::load_images() {
  if (options_.resume && position_.images.empty()) {
    fail(source_.string(), "the metadata are incomplete", {"missing  images"}, {});
  }
  const bool place_given = find_option(table_, "data").given;
  data_ = load_data(options_.data, seed(), options_.resume && !place_given);
  check_images();
  return data_.images;
}

fs::path Run::use_file(const std::string& name) {
  const Option& option = find_option(table_, name);
  const fs::path path = nn::absolute_path(value_text(option));
  set_value(option, path.string(), "--" + name);
  const bool moved = options_.resume && !option.given && !nn::is_there(path);
  if (moved) {
    fail_option("--" + name, "the file with which the run began is no longer there", path.string(),
                "--" + name + " with the place to which it has moved");
  }
  const std::string bytes = nn::read_file(path, kMostFileBytes);
  const std::string found = std::to_string(bytes.size()) + " bytes, checksum " + checksum(bytes);
  if (options_.resume && found != position_.file) {
    fail_option("--" + name, "not the file with which the run began", found + ", " + path.string(),
                position_.file.empty() ? "none" : position_.file);
  }
  position_.file = found;
  data_.name = nn::escape(path.string());
  return path;
}

void Run::prepare_new() {
  if (options_.quick) apply_quick(chapter_, table_);
  if (options_.out.empty()) return;
  check_out(options_.out);
  for (const fs::path data : {options_.data.data, options_.data.data_dir}) {
    std::error_code unreadable;
    if (data.is_absolute() && fs::equivalent(options_.out, data, unreadable)) {
      fail_option("--out", "the folder of the training images", options_.out, "another folder");
    }
  }
}

void Run::prepare_resume() {
  if (options_.out.empty()) options_.out = newest_run_folder(chapter_.name, "--resume").string();
  folder_ = options_.out;
  source_ = checkpoint_path(folder_);
  if (options_.fork.empty()) {
    nn::InputFile{
        source_};  // without a checkpoint, the folder is not that of a run: no lock is left there
    lock_.emplace(folder_);
  } else {
    const fs::path folder = options_.fork;
    if (!folder.has_filename())
      options_.fork = folder.parent_path().string();  // a slash at the end
    check_fork(folder_, options_.fork);
    if (options_.at >= 0) source_ = find_checkpoint(folder_, options_.at);
  }
  checkpoint_ = nn::load_checkpoint(source_);
  continue_run(options_, table_, chapter_, checkpoint_, source_.string(), position_);
  if (options_.at >= 0 && position_.step != options_.at) {
    fail(source_.string(), "the metadata contradict the name",
         {"found    step " + std::to_string(position_.step),
          "expected step " + std::to_string(options_.at)},
         {});
  }
}

void Run::check_images() {
  const std::string& source = data_.images.source;
  const std::string images = identity(chapter_, data_.images);
  if (options_.resume && images != position_.images) {
    for (const char* option : {"data", "data-dir"}) {
      if (find_option(table_, option).given) {
        fail_option("--" + std::string(option), kNotTheSameImages, images + ", " + source,
                    position_.images);
      }
    }
    check_identity(chapter_, data_.images, position_.images);
  }
  position_.images = images;
  for (const Fork& fork : position_.forks) {
    for (const Change& change : fork.changes) {
      if (change.option != "batch-size") continue;
      fail_option("--batch-size", "a fork of a run with images cannot change this", change.after,
                  change.before + ", by which the run counts its epochs");
    }
  }
  if (options_.batch_size > data_.images.count) {
    std::printf("%s", describe_skipped(data_).c_str());  // perhaps they are what is missing
    fail_option("--batch-size", "more than there are images", std::to_string(options_.batch_size),
                "at most " + std::to_string(data_.images.count) + ", the images in " + source);
  }
}

void Run::begin(const Parts& parts, const std::vector<const nn::Module*>& networks,
                nn::Loader& loader, Random* latent, int64_t batches_per_step) {
  if (position_.images.empty()) throw Error("Run::begin: a loader, but no load_images() before");
  parts_ = parts;
  loader_ = &loader;
  latent_ = latent;
  batches_per_step_ = batches_per_step;
  start(networks);
}

void Run::begin(const Parts& parts, const std::vector<const nn::Module*>& networks,
                Random* latent) {
  if (!position_.images.empty()) throw Error("Run::begin: images, but no loader");
  for (const char* name : {"epochs", "data", "data-dir", "image-size", "channels"}) {
    const Option& option = find_option(table_, name);
    if (!option.given) continue;
    fail_option("--" + option.name, "a run without images has none", value_text(option),
                option.name == "epochs" ? "--steps" : "no --" + option.name);
  }
  parts_ = parts;
  latent_ = latent;
  start(networks);
}

void Run::start(const std::vector<const nn::Module*>& networks) {
  if (options_.resume) restore();
  count_steps();
  if (options_.resume && position_.step == options_.steps) {
    const std::string step = grouped(position_.step);
    if (!options_.fork.empty()) {
      fail_option("--fork", "the run to be forked is at its end", "step " + step,
                  "--at with an earlier step, or more --steps or --epochs");
    }
    std::printf("%s is at its end, step %s; --steps%s takes it further\n", folder_.c_str(),
                step.c_str(), loader_ != nullptr ? " or --epochs" : "");
    return;
  }
  if (!options_.resume) {
    create_folder();
  } else if (!options_.fork.empty()) {
    fork();
  }
  watch_stop_signals();
  print_start(networks);
  if (data_.skipped.empty()) {
    std::error_code missing;
    fs::remove(folder_ / kSkipped, missing);  // of a run that is continued
  } else {
    nn::write_file(folder_ / kSkipped, all_skipped(data_));
  }
  write_settings();
  progress_.emplace(position_.step, options_.steps,
                    loader_ != nullptr ? loader_->batches_per_epoch() : 0, options_.batch_size,
                    batches_per_step_);
}

void Run::restore() {
  for (const auto& [prefix, tensors] : parts_) {
    nn::restore(checkpoint_, prefix, tensors, source_.string(), {});
  }
  checkpoint_ = {};
  if (loader_ != nullptr) seek();
  if (latent_ != nullptr) latent_->set_counter(static_cast<uint64_t>(position_.latent_counter));
}

void Run::create_folder() {
  if (options_.out.empty()) options_.out = create_run_folder(chapter_.name).string();
  folder_ = options_.out;
  nn::make_folder(folder_);
  lock_.emplace(folder_);
  check_out(folder_);  // again: another run may have begun here in the meantime
}

/// Creates the folder of a fork, whole or not at all. The checkpoint comes last: a folder without
/// one is no run.
void Run::fork() {
  const fs::path run = folder_, folder = options_.fork;
  create_fork(folder);
  try {
    folder_ = folder;
    options_.out = options_.fork;
    lock_.emplace(folder_);
    write_settings();
    copy_history(run, folder_, position_.step);
    save_checkpoint();
  } catch (...) {
    lock_.reset();
    std::error_code left;
    fs::remove_all(folder, left);
    throw;
  }
}

void Run::write_settings() const {
  write_run_json(folder_ / "run.json", chapter_.name, applying_options(table_, loader_ != nullptr),
                 position_.forks);
}

void Run::seek() {
  const int64_t drawn = position_.step * batches_per_step_, batches = loader_->batches_per_epoch();
  const int64_t epoch = drawn / batches, batch = drawn % batches;
  if (position_.epoch != epoch || position_.batch != batch) {
    fail(source_.string(), "the metadata contradict each other",
         {"found    step " + std::to_string(position_.step) + " at epoch " +
              std::to_string(position_.epoch) + ", batch " + std::to_string(position_.batch),
          "expected epoch " + std::to_string(epoch) + ", batch " + std::to_string(batch)},
         {});
  }
  loader_->seek(epoch, batch);
}

/// The fewest steps that draw all batches of the epochs.
int64_t Run::steps_of(int64_t epochs) const {
  const int64_t batches = epochs * loader_->batches_per_epoch();
  return (batches + batches_per_step_ - 1) / batches_per_step_;
}

/// Fills in --steps from --epochs, or the other way round.
void Run::count_steps() {
  if (loader_ == nullptr) {
    check_steps("--steps");
    return;
  }
  const int64_t batches_per_epoch = loader_->batches_per_epoch();
  const bool by_epochs = options_.steps == 0;
  if (by_epochs) options_.steps = steps_of(options_.epochs);
  if (options_.steps > kMostSteps) {
    fail_option("--epochs", "too many", std::to_string(options_.epochs),
                "at most " + std::to_string(kMostSteps * batches_per_step_ / batches_per_epoch) +
                    ", of " + std::to_string(steps_of(1)) + " steps each");
  }
  check_steps(by_epochs ? "--epochs" : "--steps");
  const int64_t batches = options_.steps * batches_per_step_;
  options_.epochs = (batches + batches_per_epoch - 1) / batches_per_epoch;
}

void Run::check_steps(const char* option) const {
  if (options_.steps >= position_.step) return;
  fail_option(option, "the run is beyond that already", std::to_string(options_.steps) + " steps",
              "more than " + std::to_string(position_.step) + ", the steps done");
}

void Run::print_start(const std::vector<const nn::Module*>& networks) const {
  if (loader_ != nullptr) {
    std::printf("data     %s, %s\n         %s, %s\n%s\n", data_.name.c_str(), data_.reason.c_str(),
                describe_images(data_.images).c_str(), data_.images.source.c_str(),
                describe_skipped(data_, (folder_ / kSkipped).string()).c_str());
  } else if (!position_.file.empty()) {
    std::printf("data     %s\n         %s\n\n", data_.name.c_str(), position_.file.c_str());
  }
  for (const nn::Module* network : networks) std::printf("%s", nn::to_string(*network).c_str());
  const std::string done = position_.step > 0 ? ", " + grouped(position_.step) + " done" : "";
  std::printf("\nsteps    %s of %s %s each%s, seed %s\n", grouped(options_.steps).c_str(),
              grouped(options_.batch_size * batches_per_step_).c_str(),
              loader_ != nullptr ? "images" : "examples", done.c_str(),
              std::to_string(options_.seed).c_str());
  for (const Fork& fork : position_.forks) {
    std::printf("fork     %s\n", describe_fork(fork).c_str());
  }
  std::printf("kernels  %s\n", describe_machine().c_str());
  std::printf("output   %s, with report.html\n", folder_.c_str());
  std::printf("stop     Ctrl-C saves and ends; --resume --out %s goes on\n\n", folder_.c_str());
  std::fflush(stdout);
}

bool Run::next_step() {
  if (position_.step >= options_.steps || stop_signal() != 0) return false;
  if (loader_ != nullptr) epoch_ = loader_->epoch() + 1;
  ++position_.step;
  return true;
}

void Run::log(const Metrics& metrics) {
  if (!metrics_) {
    metrics_.emplace(folder_ / "metrics.csv", csv_header(metrics, loader_ != nullptr),
                     options_.resume ? position_.step - 1 : -1);
  }
  metrics_->append(csv_row(position_.step, epoch_, metrics));
  try {
    check_finite(metrics, position_.step, checkpoint_path(folder_));
  } catch (const Error&) {
    write_report_page(folder_, chapter_.report);  // it names the step among the warning signs
    throw;
  }
  progress_->update(position_.step, metrics);
}

bool Run::is_kept(int64_t step) const {
  return options_.keep_every > 0 && (step % options_.keep_every == 0 || step == options_.steps);
}

bool Run::save_is_due() const {
  const int64_t step = position_.step;
  return step % options_.sample_every == 0 || step == options_.steps || is_kept(step);
}

void Run::save(const nn::Image& picture) {
  try {
    nn::make_folder(folder_ / "samples");
    nn::write_png(folder_ / "samples" / (step_name(position_.step) + ".png"), picture);
  } catch (const Error&) {
    save_checkpoint();  // a picture must not cost the steps since the last checkpoint
    throw;
  }
  save();
}

void Run::save() {
  save_checkpoint();
  // All of metrics.csv is read for a report, which would take a growing part of short steps.
  const auto now = std::chrono::steady_clock::now();
  if (reported_at_ && now - *reported_at_ < kReportPause) return;
  write_report_page(folder_, chapter_.report);
  reported_at_ = now;
}

void Run::save_checkpoint() {
  if (latent_ != nullptr) position_.latent_counter = static_cast<int64_t>(latent_->counter());
  if (loader_ != nullptr) {
    position_.epoch = loader_->epoch();
    position_.batch = loader_->batch();
  }
  nn::NamedTensors state;
  for (const auto& [prefix, tensors] : parts_) {
    for (auto& named : nn::with_prefix(prefix, tensors)) state.push_back(std::move(named));
  }
  const auto metadata = to_metadata(chapter_, table_, position_);
  nn::save_checkpoint(checkpoint_path(folder_), state, metadata);
  if (is_kept(position_.step)) {
    nn::make_folder(folder_ / "checkpoints");
    nn::save_checkpoint(folder_ / "checkpoints" / (step_name(position_.step) + ".safetensors"),
                        state, metadata);
  }
  saved_step_ = position_.step;
}

int Run::end() {
  if (!progress_) return 0;  // begin() had no step to begin with
  const std::string folder = folder_.string(), checkpoint = checkpoint_path(folder_).string();
  if (saved_step_ != position_.step) save_checkpoint();  // before a word to the terminal
  write_report_page(folder_, chapter_.report);
  if (position_.step < options_.steps) {
    progress_->finish();
    std::printf("\nstopped by a signal (%s) at step %s, saved to %s\n--resume --out %s goes on\n",
                ::strsignal(stop_signal()), grouped(position_.step).c_str(), checkpoint.c_str(),
                folder.c_str());
    return 128 + stop_signal();
  }
  progress_->finish();
  std::printf("\ndone in %s, %s\n", progress_->elapsed().c_str(), progress_->rate().c_str());
  std::printf("report   %s\n", (folder_ / "report.html").c_str());
  const fs::path picture = folder_ / "samples" / (step_name(position_.step) + ".png");
  if (fs::exists(picture)) std::printf("samples  %s\n", picture.c_str());
  std::printf("%s", write_animation(folder_).c_str());
  if (!chapter_.next.empty()) {
    std::printf("next     %s, with --checkpoint %s\n", chapter_.next.c_str(), checkpoint.c_str());
  }
  return 0;
}

}  // namespace forger::tutorials

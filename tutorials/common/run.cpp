#include "tutorials/common/run.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "autograd/error.h"
#include "tutorials/common/records.h"
#include "tutorials/common/report_page.h"
#include "tutorials/common/stop_signal.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSkipped = "skipped.txt";
constexpr std::chrono::seconds kReportPause(10);

/// "D(G(z))" is the column D_G_z of metrics.csv.
std::string csv_header(const Metrics& metrics) {
  std::string header = "step,epoch";
  for (const Metric& metric : metrics) header += "," + std::string(metric.name);
  std::replace(header.begin(), header.end(), '(', '_');
  header.erase(std::remove(header.begin(), header.end(), ')'), header.end());
  return header;
}

}  // namespace

Run::Run(const Chapter& chapter, RunOptions& options, std::vector<Option>& table)
    : chapter_(chapter), options_(options), table_(table) {
  resolve_folders(options_.data);
  options_.resume ? prepare_resume() : prepare_new();
  if (options_.threads > 0) omp_set_num_threads(static_cast<int>(options_.threads));
  const bool place_given = find_option(table_, "data").given;
  data_ = load_data(options_.data, seed(), options_.resume && !place_given);
  check_data();
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
  const fs::path path = checkpoint_path(folder_);
  nn::InputFile{
      path};  // without a checkpoint, the folder is not that of a run: no lock is left there
  lock_.emplace(folder_);
  checkpoint_ = nn::load_checkpoint(path);
  continue_run(options_, table_, chapter_, checkpoint_, path.string(), position_);
}

void Run::check_data() {
  const std::string& source = data_.images.source;
  const std::string images = fingerprint(data_.images);
  if (options_.resume && images != position_.images) {
    for (const char* option : {"data", "data-dir"}) {
      if (find_option(table_, option).given) {
        fail_option("--" + std::string(option), kNotTheSameImages, images + ", " + source,
                    position_.images);
      }
    }
    check_same_images(data_.images, position_.images);
  }
  position_.images = images;
  if (options_.batch_size > data_.images.count) {
    std::printf("%s", describe_skipped(data_).c_str());  // perhaps they are what is missing
    fail_option("--batch-size", "more than there are images", std::to_string(options_.batch_size),
                "at most " + std::to_string(data_.images.count) + ", the images in " + source);
  }
}

void Run::begin(const Parts& parts, const std::vector<const nn::Module*>& networks,
                nn::Loader& loader, Random* latent, int64_t batches_per_step) {
  parts_ = parts;
  loader_ = &loader;
  latent_ = latent;
  batches_per_step_ = batches_per_step;
  if (options_.resume) {
    for (const auto& [prefix, tensors] : parts_) {
      nn::restore(checkpoint_, prefix, tensors, checkpoint_path(folder_).string(), {});
    }
    checkpoint_ = {};
    seek();
    if (latent_ != nullptr) latent_->set_counter(static_cast<uint64_t>(position_.latent_counter));
  }
  count_steps();
  if (options_.resume && position_.step == options_.steps) {
    std::printf("%s is at its end, step %s; --steps or --epochs takes it further\n",
                folder_.c_str(), grouped(position_.step).c_str());
    return;
  }
  if (!options_.resume) {
    if (options_.out.empty()) options_.out = create_run_folder(chapter_.name).string();
    folder_ = options_.out;
    nn::make_folder(folder_);
    lock_.emplace(folder_);
    check_out(folder_);  // again: another run may have begun here in the meantime
  }
  watch_stop_signals();
  print_start(networks);
  if (data_.skipped.empty()) {
    std::error_code missing;
    fs::remove(folder_ / kSkipped, missing);  // of a run that is continued
  } else {
    nn::write_file(folder_ / kSkipped, all_skipped(data_));
  }
  write_run_json(folder_ / "run.json", chapter_.name, table_);
  progress_.emplace(position_.step, options_.steps, loader.batches_per_epoch(), options_.batch_size,
                    batches_per_step_);
}

void Run::seek() {
  const int64_t drawn = position_.step * batches_per_step_, batches = loader_->batches_per_epoch();
  const int64_t epoch = drawn / batches, batch = drawn % batches;
  if (position_.epoch != epoch || position_.batch != batch) {
    fail(checkpoint_path(folder_).string(), "the metadata contradict each other",
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
  const int64_t batches_per_epoch = loader_->batches_per_epoch();
  const bool by_epochs = options_.steps == 0;
  if (by_epochs) options_.steps = steps_of(options_.epochs);
  if (options_.steps > kMostSteps) {
    fail_option("--epochs", "too many", std::to_string(options_.epochs),
                "at most " + std::to_string(kMostSteps * batches_per_step_ / batches_per_epoch) +
                    ", of " + std::to_string(steps_of(1)) + " steps each");
  }
  if (options_.steps < position_.step) {
    fail_option(by_epochs ? "--epochs" : "--steps", "the run is beyond that already",
                std::to_string(options_.steps) + " steps",
                "more than " + std::to_string(position_.step) + ", the steps done");
  }
  const int64_t batches = options_.steps * batches_per_step_;
  options_.epochs = (batches + batches_per_epoch - 1) / batches_per_epoch;
}

void Run::print_start(const std::vector<const nn::Module*>& networks) const {
  std::printf("data     %s, %s\n         %s, %s\n%s\n", data_.name.c_str(), data_.reason.c_str(),
              describe_images(data_.images).c_str(), data_.images.source.c_str(),
              describe_skipped(data_, (folder_ / kSkipped).string()).c_str());
  for (const nn::Module* network : networks) std::printf("%s", nn::to_string(*network).c_str());
  const std::string done = position_.step > 0 ? ", " + grouped(position_.step) + " done" : "";
  std::printf("\nsteps    %s of %s images each%s, seed %s\n", grouped(options_.steps).c_str(),
              grouped(options_.batch_size * batches_per_step_).c_str(), done.c_str(),
              std::to_string(options_.seed).c_str());
  std::printf("kernels  %s\n", describe_machine().c_str());
  std::printf("output   %s, with report.html\n", folder_.c_str());
  std::printf("stop     Ctrl-C saves and ends; --resume --out %s goes on\n\n", folder_.c_str());
  std::fflush(stdout);
}

bool Run::next_step() {
  if (position_.step >= options_.steps || stop_signal() != 0) return false;
  epoch_ = loader_->epoch() + 1;
  ++position_.step;
  return true;
}

void Run::log(const Metrics& metrics) {
  if (!metrics_) {
    metrics_.emplace(folder_ / "metrics.csv", csv_header(metrics),
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
  position_.epoch = loader_->epoch();
  position_.batch = loader_->batch();
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
  std::printf("\ndone in %s, %.0f images/s\n", progress_->elapsed().c_str(),
              progress_->images_per_second());
  std::printf("report   %s\n", (folder_ / "report.html").c_str());
  const fs::path picture = folder_ / "samples" / (step_name(position_.step) + ".png");
  if (fs::exists(picture)) std::printf("samples  %s\n", picture.c_str());
  if (!chapter_.next.empty()) {
    std::printf("next     %s, with --checkpoint %s\n", chapter_.next.c_str(), checkpoint.c_str());
  }
  return 0;
}

}  // namespace forger::tutorials

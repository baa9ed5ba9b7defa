#pragma once

#include <omp.h>

#include <cstdint>

// Threads for kernels. Everything here has internal linkage, because some of the files that include
// it are compiled for newer processors than others.
namespace forger::kernels {
namespace {

/// The most threads that a kernel may ask for. Inside a caller's parallel region that is 1, unless
/// OpenMP's settings allow another level of regions.
inline int max_threads() {
  return omp_get_active_level() < omp_get_max_active_levels() ? omp_get_max_threads() : 1;
}

/// How a team shares tasks out.
enum class Schedule {
  kFixed,    // one run of neighbouring tasks for each thread, the same at every call
  kDynamic,  // task by task, in ascending order, to the thread that is free
};

/// A team of threads, as one of them sees it.
class Team {
 public:
  Team(int thread, int size) : thread_(thread), size_(size) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int thread() const { return thread_; }  // 0 .. size() - 1
  int size() const { return size_; }      // threads that came, at most as many as were asked for

  /// Calls task(t) for each t < count, in one thread each. All threads of the team must call it,
  /// and none begins before all tasks of the previous share() are done. One thread alone runs a
  /// plain loop. A task must not throw or allocate.
  template <class Task>
  void share(int64_t count, const Task& task, Schedule schedule = Schedule::kFixed) {
    if (size_ == 1) {
      for (int64_t t = 0; t < count; ++t) task(t);
      return;
    }
    if (shared_before_) {
#pragma omp barrier
    }
    shared_before_ = true;
    if (schedule == Schedule::kDynamic) {
#pragma omp for schedule(monotonic : dynamic, 1) nowait
      for (int64_t t = 0; t < count; ++t) task(t);
    } else {
#pragma omp for schedule(static) nowait
      for (int64_t t = 0; t < count; ++t) task(t);
    }
  }

 private:
  int thread_, size_;
  bool shared_before_ = false;
};

/// Calls f(team) in each thread of a team of at most `threads`, and returns when all are done. The
/// team is one of its own inside a caller's parallel region too. For one thread there is no OpenMP
/// construct at all: starting a region costs more than a small product.
template <class F>
void run_team(int threads, const F& f) {
  if (threads == 1) {
    Team alone(0, 1);
    f(alone);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    Team team(omp_get_thread_num(), omp_get_num_threads());
    f(team);
  }
}

/// Calls body(begin, end) for each chunk of [0, n), in parallel. A body that keeps one partial
/// result per chunk gives the same bits for any number of threads if the chunk's size does not
/// depend on it. The body must not throw or allocate.
template <class Body>
void parallel_chunks(int64_t n, int64_t chunk, const Body& body) {
  const int64_t chunks = (n + chunk - 1) / chunk;
  run_team(chunks <= 1 ? 1 : max_threads(), [&](Team& team) {
    team.share(chunks, [&](int64_t i) {
      const int64_t begin = i * chunk;
      body(begin, n - begin < chunk ? n : begin + chunk);
    });
  });
}

/// Elements of a chunk in the kernels that all sets share, and in copies: fewer take less time than
/// starting a team.
constexpr int64_t kChunkElements = 16384;

/// Items of such a chunk, each of `elements` elements: at least one.
inline int64_t items_per_chunk(int64_t elements) {
  return elements < kChunkElements ? kChunkElements / (elements < 1 ? 1 : elements) : 1;
}

}  // namespace
}  // namespace forger::kernels

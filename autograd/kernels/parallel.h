#pragma once

#include <omp.h>

#include <cstdint>

// Threads for kernels. Everything here has internal linkage, because the files that include it are
// compiled for different instruction sets.
namespace forger::kernels {
namespace {

/// Returns the largest team that a kernel may request. Inside a caller's parallel region this is 1,
/// unless OpenMP allows another level of nested regions.
inline int max_threads() {
  return omp_get_active_level() < omp_get_max_active_levels() ? omp_get_max_threads() : 1;
}

/// How a team distributes tasks to its threads.
enum class Schedule {
  kFixed,    // static: each thread gets one range of tasks, the same at every call
  kDynamic,  // dynamic: each free thread gets the next task, in ascending order
};

/// One thread's view of a team of threads. Each thread of the team has a Team object.
class Team {
 public:
  Team(int thread, int size) : thread_(thread), size_(size) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int thread() const { return thread_; }  // index of this thread, 0 to size() - 1
  // Threads in the team; OpenMP may start fewer than were requested.
  int size() const { return size_; }

  /// Calls task(t) once for each t < count, in one thread of the team. Every thread of the team
  /// must call it. Its tasks start when those of the previous share() are done. A team of one runs
  /// a plain loop. A task must not throw or allocate.
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

/// Calls f(team) in each thread of a new team of at most `threads` threads, and returns when all
/// are done. The team is also a new one inside a caller's parallel region. A team of one uses no
/// OpenMP construct, because starting a parallel region takes longer than a small matrix product.
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

/// Calls body(begin, end) for each chunk of [0, n), in parallel. A body may compute one partial
/// result per chunk. Its bits do not depend on the number of threads if `chunk` does not. The body
/// must not throw or allocate.
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

/// Elements per chunk in shared kernels and in copies. A smaller chunk takes less time than
/// starting a team.
constexpr int64_t kChunkElements = 16384;

/// Returns the number of items per chunk, at least 1, if an item has `elements` elements.
inline int64_t items_per_chunk(int64_t elements) {
  return elements < kChunkElements ? kChunkElements / (elements < 1 ? 1 : elements) : 1;
}

}  // namespace
}  // namespace forger::kernels

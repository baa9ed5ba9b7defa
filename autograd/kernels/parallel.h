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
  /// `tickets` is the team's counter for dynamic schedules, 0 at first.
  Team(int thread, int size, int64_t& tickets) : thread_(thread), size_(size), tickets_(tickets) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int thread() const { return thread_; }  // index of this thread, 0 to size() - 1
  // Threads in the team; OpenMP may start fewer than were requested.
  int size() const { return size_; }

  /// Calls task(t) once for each t < count, in one thread of the team. Every thread of the team
  /// must call it. Its tasks start when those of the previous share() are done. A task must not
  /// throw or allocate.
  template <class Task>
  void share(int64_t count, const Task& task, Schedule schedule = Schedule::kFixed) {
    if (shared_before_ && size_ > 1) {
#pragma omp barrier
    }
    shared_before_ = true;
    const bool dynamic = schedule == Schedule::kDynamic && size_ > 1;
    const int64_t end = dynamic ? count : count * (thread_ + 1) / size_;
    // One loop for both schedules: the compiler copies a long task into each loop that calls it.
    int64_t t = dynamic ? next_ticket() : count * thread_ / size_;
    while (t < end) {
      task(t);
      t = dynamic ? next_ticket() : t + 1;
    }
    // Each thread drew one ticket too many, so all know where the next share() begins.
    if (dynamic) first_ticket_ += count + size_;
  }

 private:
  int64_t next_ticket() {
    int64_t ticket;
#pragma omp atomic capture
    ticket = tickets_++;
    return ticket - first_ticket_;
  }

  int thread_, size_;
  int64_t& tickets_;
  int64_t first_ticket_ = 0;  // of the current share()
  bool shared_before_ = false;
};

/// Calls f(team). It is not inlined: compiling f twice would take a SIMD set 12 s longer.
template <class F>
[[gnu::noinline]] void run_thread(const F& f, int thread, int size, int64_t& tickets) {
  Team team(thread, size, tickets);
  f(team);
}

/// Calls f(team) in each thread of a new team of at most `threads` threads, and returns when all
/// are done. The team is also a new one inside a caller's parallel region. A team of one uses no
/// OpenMP construct, because starting a parallel region takes longer than a small matrix product.
template <class F>
void run_team(int threads, const F& f) {
  int64_t tickets = 0;
  if (threads == 1) return run_thread(f, 0, 1, tickets);
#pragma omp parallel num_threads(threads)
  run_thread(f, omp_get_thread_num(), omp_get_num_threads(), tickets);
}

/// Calls body(begin, end) for each chunk of [0, n), in parallel. A body may compute one partial
/// result per chunk. Its bits do not depend on the number of threads if `chunk` does not. The body
/// must not throw or allocate. Each thread copies the body, so it captures pointers and numbers by
/// value.
template <class Body>
void parallel_chunks(int64_t n, int64_t chunk, const Body& body) {
  const int64_t chunks = (n + chunk - 1) / chunk;
  run_team(chunks <= 1 ? 1 : max_threads(), [&](Team& team) {
    // The compiler keeps the values of a local copy in registers. It would read those of `body`
    // again after each store, because the address of `body` goes to other threads.
    const Body own = body;
    team.share(chunks, [&](int64_t i) {
      const int64_t begin = i * chunk;
      own(begin, n - begin < chunk ? n : begin + chunk);
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

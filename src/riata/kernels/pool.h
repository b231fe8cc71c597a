/* Loops over jobs on threads of this process, without the interpreter.
 *
 * The calling thread takes jobs from the first on, the helpers from the last one back, until none
 * is left; a helper that is late finds none. So a job that comes again in the next loop is mostly
 * made by whom it was made before, whose cache holds its data.
 *
 * Helpers look for the next loop for a while before they sleep: waking one takes 50 to 100
 * microseconds, being seen by one that looks takes one. A loop belongs to one caller: whoever comes
 * meanwhile makes its jobs alone. Threads that are busy elsewhere (`engaged`) count towards those
 * that a loop may use.
 */
#ifndef RIATA_POOL_H
#define RIATA_POOL_H
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#define RIATA_LOOKS 64           /* between two looks at the clock */
#define RIATA_PATIENCE 1000000   /* nanoseconds that a helper looks for work */

typedef void (*riata_job)(void *context, ptrdiff_t k);

static struct {
  riata_job job;
  void *context;
  ptrdiff_t count;
  int helpers, started, asleep, owned, engaged;
  pthread_mutex_t mutex;
  pthread_cond_t opened;
  __attribute__((aligned(64))) unsigned round; /* odd while the jobs of a loop may be taken */
  __attribute__((aligned(64))) int inside;     /* helpers that may be taking some */
  int joined;                                  /* helpers that came to this loop */
  __attribute__((aligned(64))) ptrdiff_t taken; /* jobs, and attempts to take one */
  ptrdiff_t from_end;                           /* those that helpers took */
} riata_pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};

static inline void riata_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

static inline long long riata_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline unsigned riata_round(void) {
  return __atomic_load_n(&riata_pool.round, __ATOMIC_SEQ_CST);
}

/* Whether a loop is open that is not the one of round `last`. */
static inline int riata_is_open(unsigned last) {
  unsigned round = riata_round();
  return round % 2 && round != last;
}

static int riata_takes_one(void) {
  return __atomic_fetch_add(&riata_pool.taken, 1, __ATOMIC_SEQ_CST) < riata_pool.count;
}

/* What helpers do in a loop. */
static void riata_take_last_jobs(void) {
  while (riata_takes_one()) {
    ptrdiff_t k = __atomic_fetch_add(&riata_pool.from_end, 1, __ATOMIC_SEQ_CST);
    riata_pool.job(riata_pool.context, riata_pool.count - 1 - k);
  }
}

static void riata_sleep(unsigned last) {
  pthread_mutex_lock(&riata_pool.mutex);
  __atomic_fetch_add(&riata_pool.asleep, 1, __ATOMIC_SEQ_CST);
  while (!riata_is_open(last)) pthread_cond_wait(&riata_pool.opened, &riata_pool.mutex);
  __atomic_fetch_sub(&riata_pool.asleep, 1, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&riata_pool.mutex);
}

/* A helper. Who counts itself in before it looks whether the loop is open is waited for by whoever
 * closes it. */
static void *riata_help(void *nothing) {
  unsigned last = 0, looks = 0;
  long long since = riata_now();
  for (;;) {
    while (!riata_is_open(last)) {
      riata_pause();
      if (++looks % RIATA_LOOKS) continue;
      sched_yield();
      if (riata_now() - since > RIATA_PATIENCE) riata_sleep(last);
    }
    __atomic_fetch_add(&riata_pool.inside, 1, __ATOMIC_SEQ_CST);
    last = riata_round();
    if (last % 2 &&
        __atomic_fetch_add(&riata_pool.joined, 1, __ATOMIC_SEQ_CST) < riata_pool.helpers) {
      riata_take_last_jobs();
      since = riata_now();
    }
    __atomic_fetch_sub(&riata_pool.inside, 1, __ATOMIC_SEQ_CST);
  }
  return nothing;
}

static int riata_cores(void) {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Start helpers, Ctrl-C and all other signals left to the threads that were there before; return how
 * many there are, no more than `wanted`, which is less than there are cores. */
static int riata_start(int wanted) {
  sigset_t all, before;
  if (wanted <= riata_pool.started) return wanted;
  int most = riata_cores() - 1;
  if (wanted > most) wanted = most;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (riata_pool.started < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, riata_help, NULL)) break;
    pthread_detach(thread);
    riata_pool.started++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return wanted < riata_pool.started ? wanted : riata_pool.started;
}

/* Wake as many helpers as are wanted and not awake. */
static void riata_wake(void) {
  int asleep = __atomic_load_n(&riata_pool.asleep, __ATOMIC_SEQ_CST);
  if (riata_pool.helpers <= riata_pool.started - asleep) return;
  pthread_mutex_lock(&riata_pool.mutex);
  for (int k = riata_pool.started - asleep; k < riata_pool.helpers; k++)
    pthread_cond_signal(&riata_pool.opened);
  pthread_mutex_unlock(&riata_pool.mutex);
}

/* Make the jobs 0 to count - 1, on no more than n_threads, the calling one included. */
static void riata_parallel(riata_job job, void *context, ptrdiff_t count, ptrdiff_t n_threads) {
  int engaged = __atomic_load_n(&riata_pool.engaged, __ATOMIC_SEQ_CST);
  ptrdiff_t wanted = n_threads - (engaged > 1 ? engaged - 1 : 0);
  if (wanted > count) wanted = count;
  if (wanted < 2 || __atomic_exchange_n(&riata_pool.owned, 1, __ATOMIC_SEQ_CST)) {
    for (ptrdiff_t k = 0; k < count; k++) job(context, k);
    return;
  }
  riata_pool.helpers = riata_start((int)wanted - 1);
  riata_pool.job = job, riata_pool.context = context, riata_pool.count = count;
  riata_pool.taken = riata_pool.from_end = riata_pool.joined = 0;
  __atomic_fetch_add(&riata_pool.round, 1, __ATOMIC_SEQ_CST);
  riata_wake();
  for (ptrdiff_t k = 0; riata_takes_one(); k++) job(context, k);
  __atomic_fetch_add(&riata_pool.round, 1, __ATOMIC_SEQ_CST);
  for (unsigned looks = 1; __atomic_load_n(&riata_pool.inside, __ATOMIC_SEQ_CST); looks++) {
    riata_pause();
    if (looks % RIATA_LOOKS == 0) sched_yield();
  }
  __atomic_store_n(&riata_pool.owned, 0, __ATOMIC_SEQ_CST);
}

/* Count a thread that works through jobs of its own (1), or no longer (-1). */
static void riata_engage(int more) {
  __atomic_fetch_add(&riata_pool.engaged, more, __ATOMIC_SEQ_CST);
}

/* A forked child has none of the threads. */
static void riata_forget(void) {
  riata_pool.started = riata_pool.asleep = riata_pool.owned = riata_pool.engaged = 0;
  riata_pool.round = riata_pool.inside = 0;
  pthread_mutex_init(&riata_pool.mutex, NULL);
  pthread_cond_init(&riata_pool.opened, NULL);
}

static void riata_prepare(void) { pthread_atfork(NULL, NULL, riata_forget); }

#endif

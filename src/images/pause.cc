// The first process of every pod: holds its namespaces, reaps what it inherits, ends when it is
// told to. No C library: nothing but system calls, so that it is a few KB and runs in an empty
// image.
#if !defined(__x86_64__) && !defined(__aarch64__)
#error "pause knows the system calls of x86-64 and arm64"
#endif

namespace {

constexpr long kSigHup = 1, kSigInt = 2, kSigTerm = 15, kSigChld = 17;
constexpr long kSigBlock = 0, kNoHang = 1;

#if defined(__x86_64__)
constexpr long kRtSigprocmask = 14, kRtSigtimedwait = 128, kWait4 = 61, kExitGroup = 231;
long call(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}
#else
constexpr long kRtSigprocmask = 135, kRtSigtimedwait = 137, kWait4 = 260, kExitGroup = 94;
long call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#endif

constexpr unsigned long bit(long signal) { return 1UL << (signal - 1); }

}  // namespace

extern "C" [[noreturn]] void _start() {
  // As process 1 of a PID namespace it gets no signal that it does not ask for; blocked ones stay
  // pending until waited for, so that none is lost between two waits.
  const unsigned long signals = bit(kSigHup) | bit(kSigInt) | bit(kSigTerm) | bit(kSigChld);
  const long set = reinterpret_cast<long>(&signals);
  call(kRtSigprocmask, kSigBlock, set, 0, sizeof signals);
  for (;;) {
    const long signal = call(kRtSigtimedwait, set, 0, 0, sizeof signals);
    if (signal == kSigInt || signal == kSigTerm) break;
    while (call(kWait4, -1, 0, kNoHang, 0) > 0) {
    }
  }
  call(kExitGroup, 0, 0, 0, 0);
  __builtin_unreachable();
}

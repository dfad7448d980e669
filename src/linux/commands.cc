#include "linux/commands.h"

#include "async/wait.h"

namespace kpp::sys {

namespace {

// What iptables-save and conntrack print on a large node.
constexpr std::size_t kOutputLimit = 64U << 20U;

struct Call {
  ProcessSpec spec;
  Result<std::string> operator()() const {
    auto done = run_process(spec);
    if (!done) return std::unexpected(std::move(done).error());
    if (done->ok()) return std::move(done->out);
    return fail(Reason::kIo,
                cat(spec.argv.front(),
                    done->timed_out ? " took too long" : cat(" ended with ", done->exit_code), ": ",
                    done->err));
  }
};

}  // namespace

async::Task<Result<std::string>> SystemCommands::run(std::vector<std::string> argv,
                                                     std::string input) {
  Call call;
  call.spec.argv = std::move(argv);
  call.spec.input = std::move(input);
  call.spec.output_limit = kOutputLimit;
  call.spec.place = place_;
  co_return co_await async::offload(executor_, pool_, std::move(call));
}

}  // namespace kpp::sys

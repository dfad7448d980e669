// The scheduler alone, against an API server over the network.
#include <optional>

#include "commands.h"
#include "connection.h"
#include "flags.h"
#include "leader.h"
#include "scheduler/scheduler.h"
#include "secure_serving.h"

namespace kpp::cmd {
namespace {

class SchedulerWork final : public LedWork {
 public:
  SchedulerWork(Process& process, client::Client& client, scheduler::SchedulerOptions options)
      : scheduler_({process.executor, client, process.log}, std::move(options)) {}
  Status start() override {
    scheduler_.start();
    return {};
  }
  async::Task<void> stop() override { return scheduler_.stop(); }

 private:
  scheduler::Scheduler scheduler_;
};

async::Task<Status> run_scheduler(Process& process, std::string kubeconfig,
                                  scheduler::SchedulerOptions options, LeaderFlags election,
                                  ServingOptions serving_options) {
  KPP_CO_ASSIGN(Connection api, connect(process, kubeconfig, "kube-scheduler"));
  SecureServing serving(process, std::move(serving_options), "kube-scheduler");
  SchedulerWork work(process, *api.client, std::move(options));
  Status done = co_await serve_and_lead(process, *api.client, serving, election, work);
  co_return done;
}

}  // namespace

int kube_scheduler_main(int argc, char** argv) {
  std::string kubeconfig;
  int verbosity = 0;
  scheduler::SchedulerOptions options;
  options.identity = host_name();
  Flags flags("kube-scheduler", "Gives pods their nodes.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  ServingOptions serving;
  serving.add_to(flags, 10259);
  LeaderFlags election("kube-scheduler");
  election.add_to(flags);
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kube-scheduler", s);
  if (Status s = election.validate(); !s.ok()) return report("kube-scheduler", s);
  return run_process(verbosity, "kube-scheduler", [&](Process& p) {
    return run_scheduler(p, kubeconfig, options, election, serving);
  });
}

}  // namespace kpp::cmd

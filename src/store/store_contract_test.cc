// The contract, for every store.
#include "store/testing/store_contract.h"

#include <memory>

#include "store/etcd/etcd_store.h"
#include "store/sqlite/sqlite_store.h"
#include "store/testing/etcd_server.h"

namespace kpp::store::testing {
namespace {

std::string nothing_is_missing() { return ""; }

Result<std::unique_ptr<Store>> make_sqlite(PumpExecutor& executor, const std::string& directory,
                                           std::size_t recent_events) {
  return open_sqlite(executor, {.path = directory, .recent_events = recent_events});
}

// One etcd for all tests; each has its own part of the keys.
class SharedEtcd final : public ::testing::Environment {
 public:
  void TearDown() override { server.reset(); }
  std::unique_ptr<EtcdServer> server;
};
SharedEtcd* const shared_etcd = new SharedEtcd;  // owned by gtest
[[maybe_unused]] const auto* const registered = ::testing::AddGlobalTestEnvironment(shared_etcd);

Result<std::unique_ptr<Store>> make_etcd(PumpExecutor& executor, const std::string& directory,
                                         std::size_t) {
  if (!shared_etcd->server) shared_etcd->server = std::make_unique<EtcdServer>();
  return executor.run(open_etcd(executor.io(), shared_etcd->server->options(directory), {}));
}

INSTANTIATE_TEST_SUITE_P(All, StoreContract,
                         ::testing::Values(StoreFactory{"sqlite", nothing_is_missing, make_sqlite},
                                           StoreFactory{"etcd", &EtcdServer::missing, make_etcd}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace kpp::store::testing

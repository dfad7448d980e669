// What load balancers ask at a service's healthCheckNodePort: does this node have endpoints of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "net/http.h"

namespace kpp::proxy {

class Health;

// A service that is asked for at a port of its own.
struct CheckedService {
  std::string namespace_;
  std::string name;
  int local_endpoints = 0;
};

// The answers of one port; any path is answered alike. Runs on: one executor.
class ServiceHealthAnswers final : public net::Handler {
 public:
  explicit ServiceHealthAnswers(const Health& health) : health_(health) {}
  void set(CheckedService service) { service_ = std::move(service); }
  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

 private:
  const Health& health_;
  CheckedService service_;
};

// Serves the ports of all services.
//
// Guarantees: a port is open from the update that names it until one that does not. A port that
//   cannot be opened is logged and tried again at the next update.
// Ownership: executor must outlive it. Runs on: the executor.
// Stop: stop() closes all ports; required before destruction after an update.
class ServiceHealthPorts {
 public:
  // `addresses`: where to listen; empty: everywhere.
  ServiceHealthPorts(async::IoExecutor& executor, Logger log,
                     std::vector<std::string> addresses = {});
  ~ServiceHealthPorts();
  ServiceHealthPorts(const ServiceHealthPorts&) = delete;
  ServiceHealthPorts& operator=(const ServiceHealthPorts&) = delete;

  async::Task<void> update(std::map<int, CheckedService> wanted, const Health& health);
  async::Task<void> stop();

 private:
  struct Port;
  bool open(int number, Port& port);

  async::IoExecutor& executor_;
  Logger log_;
  const std::vector<std::string> addresses_;
  std::map<int, std::unique_ptr<Port>> ports_;
};

}  // namespace kpp::proxy

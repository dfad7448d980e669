// Cluster IPs and node ports of Services, from the service range.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "api/corev1.h"
#include "apiserver/watch_cache.h"
#include "base/status.h"

namespace kpp::apiserver {

// Guarantees: an address or port is given to one service at a time; what the cached services hold
// counts as taken, and so
//   does what was given out and is not seen in the cache yet.
// Runs on: the server's executor.
class Allocators {
 public:
  // service_cidr: e.g. 10.96.0.0/16; its first address is the kubernetes service's, its tenth the
  // DNS service's.
  static Result<std::unique_ptr<Allocators>> make(WatchCache& cache, const ResourceTable& table,
                                                  std::string_view service_cidr,
                                                  int first_port = 30000, int last_port = 32767);

  // Fills clusterIP(s), ipFamilies, ipFamilyPolicy, node ports and health check port as the type
  // asks; kInvalid with the original's words when a named address or port is taken or out of range.
  // `old` is the service before an update. What a new service names is taken also when a service of
  // the same name has it.
  Status allocate(corev1::Service& service, const corev1::Service* old);
  // Gives back what a write that failed had taken.
  void forget(const corev1::Service& service, const corev1::Service* old);
  // That `taken`, an address or a port, is another service's: kInvalid where `asked` names it, else
  // a fault of the server, which found no other.
  Status refusal(const corev1::Service& service, const corev1::ServiceSpec& asked,
                 std::string_view taken) const;
  // The kubernetes service's.
  std::string first_address() const;
  int first_port() const { return first_port_; }
  int last_port() const { return last_port_; }

 private:
  Allocators(WatchCache& cache, const ResourceTable& table) : cache_(cache), table_(table) {}

  Status set_families(corev1::Service& service) const;
  // What one service takes: numbers that it had before are its own, others must be free.
  struct Taking;
  Status allocate_address(corev1::Service& service, Taking& taking);
  Status allocate_ports(corev1::Service& service, Taking& taking);
  Status take_port(std::int32_t port, Taking& taking);

  WatchCache& cache_;
  const ResourceTable& table_;
  std::uint32_t base_ = 0;  // network address
  std::uint32_t size_ = 0;  // addresses in the range
  int first_port_ = 0, last_port_ = 0;
  struct Taken;
  std::shared_ptr<Taken> taken_;
};

// What a new service was given, given back at the end of scope unless kept.
// Ownership: borrows all; `service` may be nullptr (then nothing is held).
class ServiceAllocation {
 public:
  ServiceAllocation(Allocators& allocators, corev1::Service* service)
      : allocators_(allocators), service_(service) {}
  ServiceAllocation(const ServiceAllocation&) = delete;
  ServiceAllocation& operator=(const ServiceAllocation&) = delete;
  ~ServiceAllocation() { give_back(); }

  Status make() {
    Status done = allocators_.allocate(*service_, nullptr);
    made_ = done.ok();
    return done;
  }
  void keep() { made_ = false; }
  void give_back() {
    if (made_) allocators_.forget(*service_, nullptr);
    made_ = false;
  }

 private:
  Allocators& allocators_;
  corev1::Service* service_;
  bool made_ = false;
};

}  // namespace kpp::apiserver

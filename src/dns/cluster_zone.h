// The names of a cluster: Kubernetes DNS-Based Service Discovery 1.1.0 over services and endpoint
// slices.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/corev1.h"
#include "api/discoveryv1.h"
#include "api/meta.h"
#include "dns/types.h"

namespace kpp::dns {

struct ZoneOptions {
  enum class Pods { kDisabled, kInsecure };
  std::string domain = "cluster.local";  // in small letters, without the final dot
  std::vector<std::string> reverse_zones = {"in-addr.arpa", "ip6.arpa"};
  std::vector<std::string> fallthrough;  // zones whose unknown names others may know; "" for all
  Pods pods = Pods::kInsecure;
  std::uint32_t ttl = 5;  // seconds, 0 to 3600
};

// Guarantees: what lookup() answers follows from the objects set last, whatever their order of
// arrival. A change of one object
//   costs what that object's endpoints cost.
// Runs on: one thread at a time.
class ClusterZone {
 public:
  explicit ClusterZone(ZoneOptions options);

  using ServiceRef = std::shared_ptr<const corev1::Service>;
  using SliceRef = std::shared_ptr<const discoveryv1::EndpointSlice>;
  // nullptr: it is gone.
  void set_service(const api::ObjectKey& key, const ServiceRef& service);
  void set_slice(const api::ObjectKey& key, const SliceRef& slice);

  // Is the name (in small letters) in a zone of ours?
  bool holds(std::string_view folded) const;

  struct Found {
    enum class Kind {
      kAnswer,
      kAlias,        // answer ends with a CNAME whose target stands in `alias`
      kFallthrough,  // unknown here, and others may know
    };
    Kind kind = Kind::kAnswer;
    Answer answer;
    std::string alias;
  };
  // `name` as it was asked, `folded` the same in small letters; holds(folded) must be true.
  Found lookup(std::string_view name, std::string_view folded, std::uint16_t type) const;

  std::size_t services() const { return services_.size(); }

 private:
  struct Port {
    std::string name, protocol;  // in small letters
    std::uint16_t port;
  };
  struct Endpoint {
    std::string label;  // its host name, or its address with dashes
    std::string address;
  };
  struct Slice {
    std::string service;  // key into services_
    std::vector<Endpoint> endpoints;
    std::vector<Port> ports;
  };
  struct Service {
    bool exists = false;  // false: only slices of it are known
    bool headless = false;
    std::string external_name;
    std::vector<std::string> addresses;
    std::vector<Port> ports;
    std::map<std::string, Slice> slices;  // by name
    bool empty() const { return !exists && slices.empty(); }
  };
  // What a name in <service>.<namespace>.svc asks for beside the service.
  struct Filter {
    std::string_view endpoint, port, protocol;
    bool matches(const Port& p) const {
      return (port.empty() || port == p.name) && (protocol.empty() || protocol == p.protocol);
    }
  };
  // One thing that a name leads to.
  struct Target {
    std::string_view address;
    std::string name;  // that SRV records point to
    std::uint16_t port;
  };

  Found below_domain(std::string_view name, std::string_view folded, std::string_view rest,
                     std::uint16_t type) const;
  Found of_service(std::string_view name, std::vector<std::string_view> labels,
                   std::uint16_t type) const;
  Found of_pod(std::string_view name, const std::vector<std::string_view>& labels,
               std::uint16_t type) const;
  Found reverse(std::string_view name, std::string_view folded, std::uint16_t type) const;
  std::vector<Target> targets(const Service& service, const Filter& filter,
                              const std::string& host) const;
  void append(Answer& answer, std::string_view name, std::uint16_t type,
              const std::vector<Target>& targets) const;
  Found no_data(std::string_view zone) const;
  Found unknown(std::string_view folded, std::string_view zone) const;
  Record soa(std::string_view zone) const;
  void index_addresses(const std::string& service, const std::vector<std::string>& addresses,
                       bool add);
  void index_endpoints(const Slice& slice, bool add);
  void index(const std::string& address, const std::string& owner, bool add);

  const ZoneOptions options_;
  std::unordered_map<std::string, Service> services_;  // "service.namespace"
  std::unordered_multimap<std::string, std::string>
      by_address_;                                     // address bytes -> name below svc.<domain>
  std::map<api::ObjectKey, std::string> slice_owner_;  // where a slice stands in services_
};

// "10.0.0.1" or "fd00::1" as bytes in network order; empty if it is no address.
std::string address_bytes(const std::string& text);
// The address in an in-addr.arpa or ip6.arpa name as bytes; empty if the name holds no whole
// address.
std::string reverse_address(std::string_view folded);

}  // namespace kpp::dns

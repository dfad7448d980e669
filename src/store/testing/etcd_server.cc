#include "store/testing/etcd_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "base/fs.h"

namespace kpp::store::testing {
namespace {

constexpr const char* kProgram = "/usr/bin/etcd";

// Of 127.0.0.1, free a moment ago: two different ones.
std::pair<std::uint16_t, std::uint16_t> free_ports() {
  std::uint16_t ports[2] = {};
  int sockets[2] = {-1, -1};
  for (int i = 0; i < 2; ++i) {
    sockets[i] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    KPP_CHECK(::bind(sockets[i], reinterpret_cast<sockaddr*>(&address), size) == 0, "no port");
    ::getsockname(sockets[i], reinterpret_cast<sockaddr*>(&address), &size);
    ports[i] = ntohs(address.sin_port);
  }
  for (const int socket : sockets) ::close(socket);
  return {ports[0], ports[1]};
}

}  // namespace

std::string EtcdServer::missing() {
  return ::access(kProgram, X_OK) == 0 ? "" : "etcd is not installed (Debian: etcd-server)";
}

EtcdServer::EtcdServer() : certificates_(net::testing::Certificates::make()) {
  const WallTime now = SystemClock().wall();
  const net::x509::Validity validity{now - std::chrono::hours(1), now + std::chrono::hours(24)};
  // etcd dials itself with the certificate that it serves with.
  const auto server = net::x509::issue(certificates_.ca, {"etcd", {}, {"localhost"}, {"127.0.0.1"}},
                                       {.server = true, .client = true}, validity)
                          .value();
  const std::pair<std::string_view, const std::string*> files[] = {
      {"ca.crt", &certificates_.ca.certificate_pem},
      {"server.crt", &server.certificate_pem},
      {"server.key", &server.key_pem},
      {"client.crt", &certificates_.client.certificate_pem},
      {"client.key", &certificates_.client.key_pem}};
  for (const auto& [name, text] : files) {
    KPP_CHECK(fs::write_file_atomic(file(name), *text, 0600).ok(), "cannot write ", name);
  }
  std::tie(client_port_, peer_port_) = free_ports();
  start();
}

EtcdServer::~EtcdServer() { kill(); }

std::string EtcdServer::url() const { return cat("https://127.0.0.1:", client_port_); }

void EtcdServer::start() {
  const std::string peer = cat("http://127.0.0.1:", peer_port_);
  std::vector<std::string> words = {kProgram,
                                    "--name=test",
                                    cat("--data-dir=", file("data")),
                                    cat("--listen-client-urls=", url()),
                                    cat("--advertise-client-urls=", url()),
                                    cat("--listen-peer-urls=", peer),
                                    cat("--initial-advertise-peer-urls=", peer),
                                    cat("--initial-cluster=test=", peer),
                                    cat("--cert-file=", file("server.crt")),
                                    cat("--key-file=", file("server.key")),
                                    "--client-cert-auth",
                                    cat("--trusted-ca-file=", file("ca.crt"))};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log = file("log");
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  KPP_CHECK(pid_ >= 0, "cannot fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execv(kProgram, argv.data());
  ::_exit(127);
}

void EtcdServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

EtcdOptions EtcdServer::options(std::string prefix) const {
  EtcdOptions out;
  out.endpoints = {url()};
  out.ca_pem = certificates_.ca.certificate_pem;
  out.certificate_pem = certificates_.client.certificate_pem;
  out.key_pem = certificates_.client.key_pem;
  out.root = "";
  out.prefix = std::move(prefix);
  return out;
}

}  // namespace kpp::store::testing

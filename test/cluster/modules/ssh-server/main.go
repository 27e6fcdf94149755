// The SSH server of tests: it serves Git repositories to clients with an authorized key, as hosting services do.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"golang.org/x/crypto/ssh"
)

// settings are given as JSON in the first argument.
type settings struct {
	// Root is the folder of the repositories.
	Root string
	// Listen is the address to listen on, such as 127.0.0.1:2222.
	Listen string
	// HostKeys are files with private keys, HostCertificates files with certificates of some of them.
	HostKeys, HostCertificates []string
	// AuthorizedKeys is a file that is read at each login.
	AuthorizedKeys string
	// Stderr is written to the error stream of each session before anything else.
	Stderr string
	// Hang lets sessions begin and never answer.
	Hang bool
}

func main() {
	if os.Args[1] == "--version" {
		printVersion()
		return
	}
	var config settings
	if err := json.Unmarshal([]byte(os.Args[1]), &config); err != nil {
		log.Fatal(err)
	}
	server, err := serverConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection, server, config)
	}
}

// printVersion names the version of the library that speaks SSH.
func printVersion() {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		fmt.Println(module.Path, module.Version)
	}
}

func serverConfig(config settings) (*ssh.ServerConfig, error) {
	server := &ssh.ServerConfig{
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if meta.User() != "git" {
				return nil, fmt.Errorf("there is no user %s", meta.User())
			}
			return nil, authorize(config.AuthorizedKeys, key)
		},
	}
	for _, file := range config.HostKeys {
		signer, err := readSigner(file)
		if err != nil {
			return nil, err
		}
		server.AddHostKey(signer)
		for _, certificate := range config.HostCertificates {
			if certified, err := withCertificate(signer, certificate); err == nil {
				server.AddHostKey(certified)
			}
		}
	}
	return server, nil
}

func readSigner(file string) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(text)
}

func withCertificate(signer ssh.Signer, file string) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, err
	}
	certificate, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("not a certificate")
	}
	return ssh.NewCertSigner(certificate, signer)
}

func authorize(file string, key ssh.PublicKey) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for len(text) > 0 {
		authorized, _, _, rest, err := ssh.ParseAuthorizedKey(text)
		if err != nil {
			break
		}
		if bytes.Equal(authorized.Marshal(), key.Marshal()) {
			return nil
		}
		text = rest
	}
	return errors.New("the key is not authorized")
}

func serve(connection net.Conn, server *ssh.ServerConfig, config settings) {
	defer connection.Close()
	_, channels, requests, err := ssh.NewServerConn(connection, server)
	if err != nil {
		log.Printf("handshake: %v", err)
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "only sessions are served")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go session(channel, requests, config)
	}
}

func session(channel ssh.Channel, requests <-chan *ssh.Request, config settings) {
	var environment []string
	for request := range requests {
		switch request.Type {
		case "env":
			var variable struct{ Name, Value string }
			known := ssh.Unmarshal(request.Payload, &variable) == nil && variable.Name == "GIT_PROTOCOL"
			if known {
				environment = append(environment, "GIT_PROTOCOL="+variable.Value)
			}
			_ = request.Reply(known, nil)
		case "exec":
			var command struct{ Text string }
			_ = request.Reply(ssh.Unmarshal(request.Payload, &command) == nil, nil)
			log.Printf("exec %s", command.Text)
			_, _ = io.WriteString(channel.Stderr(), config.Stderr)
			if config.Hang {
				continue
			}
			go func() {
				status := uploadPack(channel, command.Text, environment, config.Root)
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
				_ = channel.Close()
			}()
		default:
			_ = request.Reply(false, nil)
		}
	}
}

// uploadPack serves one repository below the root; every other command is refused.
func uploadPack(channel ssh.Channel, text string, environment []string, root string) uint32 {
	path, ok := strings.CutPrefix(text, "git-upload-pack '/")
	path, quoted := strings.CutSuffix(path, "'")
	if !ok || !quoted || !filepath.IsLocal(path) {
		_, _ = io.WriteString(channel.Stderr(), "only git-upload-pack is served\n")
		return 128
	}
	command := exec.Command("git", "upload-pack", filepath.Join(root, path))
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = channel, channel.Stderr()
	input, err := command.StdinPipe()
	if err != nil {
		return 1
	}
	if err := command.Start(); err != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(input, channel)
		_ = input.Close()
	}()
	if err := command.Wait(); err != nil {
		return 128
	}
	return 0
}

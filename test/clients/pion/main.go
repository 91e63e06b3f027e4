// Two of pion's TURN clients, both relayed: one sends to the other's relayed address, what arrives is
// sent back. Prints what came back.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/turn/v2"
)

var server = net.JoinHostPort(os.Getenv("TURN_HOST"), os.Getenv("TURN_PORT"))

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func connect(transport string) net.PacketConn {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(must(os.ReadFile(os.Getenv("SSL_CERT_FILE"))))
	switch transport {
	case "tcp":
		return turn.NewSTUNConn(must(net.Dial("tcp", server)))
	case "tls":
		return turn.NewSTUNConn(must(tls.Dial("tcp", server, &tls.Config{RootCAs: roots})))
	case "dtls":
		config := &dtls.Config{RootCAs: roots, ServerName: os.Getenv("TURN_HOST")}
		return turn.NewSTUNConn(must(dtls.Dial("udp", must(net.ResolveUDPAddr("udp", server)), config)))
	default:
		return must(net.ListenPacket("udp", net.JoinHostPort(os.Getenv("TURN_HOST"), "0")))
	}
}

func allocate(transport string) (*turn.Client, net.PacketConn) {
	client := must(turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: server,
		TURNServerAddr: server,
		Conn:           connect(transport),
		Username:       os.Getenv("TURN_USER"),
		Password:       os.Getenv("TURN_PASSWORD"),
	}))
	must(0, client.Listen())
	return client, must(client.Allocate())
}

func main() {
	count := must(strconv.Atoi(os.Getenv("TURN_MESSAGES")))
	first, near := allocate(os.Getenv("TURN_TRANSPORT"))
	second, far := allocate(os.Getenv("TURN_TRANSPORT"))
	must(0, first.CreatePermission(far.LocalAddr()))
	must(0, second.CreatePermission(near.LocalAddr()))
	must(0, near.SetDeadline(time.Now().Add(30*time.Second)))

	go func() {
		buffer := make([]byte, 2000)
		for {
			size, from, err := far.ReadFrom(buffer)
			if err != nil {
				return
			}
			must(far.WriteTo(buffer[:size], from))
		}
	}()

	returned := 0
	buffer := make([]byte, 2000)
	for ; returned < count; returned++ {
		must(near.WriteTo(make([]byte, 1000), far.LocalAddr()))
		if size, _, err := near.ReadFrom(buffer); err != nil || size != 1000 {
			log.Fatal("message ", returned, ": ", size, " bytes came back: ", err)
		}
	}
	must(0, near.Close())
	must(0, far.Close())
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{"returned": returned}))
}

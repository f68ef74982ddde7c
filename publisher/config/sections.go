package config

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"crieur/publisher"
	"crieur/publisher/queue/calendar"
)

// Each key is described by its desc tag, which the JSON schema carries; default,
// enum, format, min, max and required are tags as well and hold for the check and
// the schema alike (see field).

// Site is the publishing site.
type Site struct {
	Name     string `mapstructure:"name" desc:"Its name, as the masthead shows it."`
	URL      string `mapstructure:"url" format:"url" desc:"Its address."`
	Language string `mapstructure:"language" format:"language" desc:"Language of articles that do not tell theirs, such as fr or en-GB. Left out: recognised from the text."`
	Timezone string `mapstructure:"timezone" default:"UTC" format:"timezone" desc:"IANA time zone of the dates in mails, such as Europe/Paris."`
	Logo     string `mapstructure:"logo" desc:"Address or path of the logo; left out, the name stands in the masthead."`
	Accent   string `mapstructure:"accent" format:"colour" desc:"The one colour, as \"#rrggbb\" in quotes."`
}

// Legal is who answers for a mail.
type Legal struct {
	Sender     string `mapstructure:"sender" desc:"Legal name of the sender."`
	Address    string `mapstructure:"address" lines:"true" desc:"Postal address, on one line or several."`
	PrivacyURL string `mapstructure:"privacy_url" format:"url" desc:"The privacy notice."`
}

// State is the store: a folder, or a PostgreSQL database.
type State struct {
	Dir string           `mapstructure:"dir" default:".crieur" desc:"Folder of the state, relative to the configuration's folder."`
	DSN publisher.Secret `mapstructure:"dsn" desc:"PostgreSQL data source, such as ${env:DATABASE_URL}. Left out: SQLite in the folder. The sandbox keeps its books there too, in a schema of its own: crieur_sandbox."`

	Elsewhere string `mapstructure:"elsewhere" default:"ask" enum:"ask,go" desc:"What to do in mode live when the state stands on another machine or in another folder than before, and may be a copy: ask (nothing is sent until crieur resume --here), or go on, for CI that restores it for each run."`
}

// Server is the HTTP server of the public pages.
type Server struct {
	Listen    string `mapstructure:"listen" default:"127.0.0.1:8080" format:"listen" desc:"Address that crieur serve listens on."`
	PublicURL string `mapstructure:"public_url" format:"url" desc:"Address under which readers reach it; every link in a mail begins with it."`
}

// Sandbox is where the servers of mode sandbox listen.
type Sandbox struct {
	Listen      string   `mapstructure:"listen" default:"127.0.0.1:8025" format:"listen" desc:"Address of the networks' stand-ins and of the page that shows what arrived."`
	SMTP        string   `mapstructure:"smtp" default:"127.0.0.1:1025" format:"listen" desc:"Address of the mail server's stand-in."`
	Subscribers []string `mapstructure:"subscribers" format:"address" desc:"Readers that the sandbox invents for itself while it has none, as Name <name@example.org>."`
}

// Article is how articles are read.
type Article struct {
	Cleaners     []string      `mapstructure:"cleaners" desc:"What is tidied, in this order; a name that does not exist is answered with all that do. Left out: the usual ones."`
	Patterns     []Pattern     `mapstructure:"patterns" desc:"The site's own boilerplate: paragraphs that are cut, and the block that stands in for them."`
	MaxBytes     int64         `mapstructure:"max_bytes" default:"10485760" min:"1024" desc:"Largest article in bytes."`
	Timeout      time.Duration `mapstructure:"timeout" default:"20s" min:"1" desc:"Longest wait for an article or picture from the web."`
	AllowPrivate bool          `mapstructure:"allow_private" default:"false" desc:"Whether articles and pictures may come from private addresses, such as 192.168.0.10."`
	UTM          UTM           `mapstructure:"utm" desc:"Campaign parameters on links to the site."`
}

// A Pattern names paragraphs of a site's own boilerplate.
type Pattern struct {
	Name  string `mapstructure:"name" required:"true" format:"name" desc:"What it is called in reports."`
	Block string `mapstructure:"block" default:"drop" enum:"share,forward,original,subscribe,sponsors,donate,drop" desc:"The block that the paragraph asks for; drop: none."`
	Match string `mapstructure:"match" required:"true" format:"regexp" desc:"Regular expression (RE2) that a paragraph to be cut matches."`
}

// PublisherBlock gives the block that stands in for the paragraph; "" for none.
func (p Pattern) PublisherBlock() publisher.Block {
	if p.Block == "drop" {
		return ""
	}
	return publisher.Block(p.Block)
}

// Regexp gives Match compiled. It is nil where the pattern is not from a loaded
// configuration.
func (p Pattern) Regexp() *regexp.Regexp {
	re, err := regexp.Compile(p.Match)
	if err != nil {
		return nil
	}
	return re
}

// UTM is how links to the site are marked.
type UTM struct {
	Enabled  bool   `mapstructure:"enabled" default:"false" desc:"Whether links to the site carry campaign parameters."`
	Source   string `mapstructure:"source" desc:"utm_source. Left out: the site's name."`
	Medium   string `mapstructure:"medium" desc:"utm_medium. Left out: email or social."`
	Campaign string `mapstructure:"campaign" desc:"utm_campaign. Left out: the newsletter's or channel's name."`
}

// A Source is a feed that is watched, or a content system that tells of what it publishes.
type Source struct {
	Name         string        `mapstructure:"-"`
	Feed         string        `mapstructure:"feed" format:"url" desc:"Address of the RSS, Atom or JSON feed."`
	Every        time.Duration `mapstructure:"every" min:"60000000000" desc:"Time between two looks at it, at least 1m. Left out: 15m, or longer where the feed asks for it."`
	Backfill     string        `mapstructure:"backfill" default:"none" format:"backfill" desc:"What of the articles that are there at the first look counts as new: none, or how many of the newest."`
	FullText     string        `mapstructure:"full_text" default:"auto" enum:"auto,always,never" desc:"Whether an article's text is read from its page: auto where the feed has only an excerpt."`
	Updates      string        `mapstructure:"updates" default:"ask" enum:"ask,ignore,correct" desc:"What becomes of an article that changes in the feed after it was taken: it waits for you, it stays as it went out, or what went out is corrected."`
	MaxNew       int           `mapstructure:"max_new" default:"10" min:"1" max:"1000" desc:"More new articles than this at one look are held until crieur sources release: a feed that was replaced floods nobody."`
	WebSub       bool          `mapstructure:"websub" default:"true" desc:"Whether the feed's hub is asked to tell of new articles at once, where there is one and server.public_url can be reached."`
	AllowPrivate bool          `mapstructure:"allow_private" default:"false" desc:"Whether the feed and its pages may stand at private addresses, such as 192.168.0.10."`
	Tags         []string      `mapstructure:"tags" desc:"Added to the tags of each article."`
	Language     string        `mapstructure:"language" format:"language" desc:"Language of its articles, whatever the feed says. Left out: as it says."`

	Webhook string           `mapstructure:"webhook" enum:"ghost,wordpress,generic" desc:"In place of a feed: the content system that tells crieur serve, at /hooks/cms/NAME below server.public_url, when it has published something."`
	Secret  publisher.Secret `mapstructure:"secret" desc:"What its webhook is signed with, or sends as a token: write ${env:NAME} or ${file:PATH}."`
	Fields  Fields           `mapstructure:"fields" desc:"For webhook: generic, where its JSON has an article's parts: keys, with dots between levels, such as data.headline. Left out: under these names, at the top."`
}

// Fields says where a content system's JSON has an article's parts.
type Fields struct {
	ID        string `mapstructure:"id" desc:"What the system knows it by."`
	Title     string `mapstructure:"title" desc:"Title, in plain text."`
	Lead      string `mapstructure:"lead" desc:"Paragraph under the headline, in plain text."`
	HTML      string `mapstructure:"html" desc:"Body as HTML. Without a body the page at url is read."`
	Markdown  string `mapstructure:"markdown" desc:"Body as Markdown."`
	Text      string `mapstructure:"text" desc:"Body as plain text."`
	URL       string `mapstructure:"url" desc:"The site's own page."`
	Language  string `mapstructure:"language" desc:"A tag such as fr."`
	Author    string `mapstructure:"author" desc:"Name of the author."`
	Published string `mapstructure:"published" desc:"Moment of publication, as 2026-03-01T18:30:00+01:00."`
	Image     string `mapstructure:"image" desc:"Address of the lead picture."`
	Tags      string `mapstructure:"tags" desc:"List of texts."`
}

// Feeds gives the sources that are feeds.
func (c *Config) Feeds() []Source {
	return slices.DeleteFunc(slices.Clone(c.Sources), func(s Source) bool { return s.Webhook != "" })
}

// SourceNamed gives a source; a zero one where there is none of that name.
func (c *Config) SourceNamed(name string) Source {
	for _, s := range c.Sources {
		if s.Name == name {
			return s
		}
	}
	return Source{}
}

// leastSecret is the shortest secret of a webhook that nobody guesses.
const leastSecret = 16

func (l *loader) checkSources(c *Config) {
	for _, s := range c.Sources {
		at := path("sources").key(s.Name)
		switch {
		case s.Webhook == "" && s.Feed == "" && l.value(at.key("feed")) == nil && l.value(at.key("webhook")) == nil:
			l.wrong(at, "has neither feed nor webhook", "add feed: with the address of its feed")
		case s.Webhook != "" && s.Feed != "":
			l.wrong(at, "has both feed and webhook", "make two sources of it, or take one: articles of both would be told twice")
		case s.Webhook != "" && s.Secret == "" && (l.live || l.value(at.key("secret")) == nil):
			l.wrong(at, "has no secret", "add secret: ${env:NAME}; without it anyone could hand articles in")
		case s.Secret != "" && len(s.Secret) < leastSecret:
			l.wrong(at.key("secret"), "is shorter than "+strconv.Itoa(leastSecret)+" characters, and can be guessed", "openssl rand -hex 24 makes one")
		}
	}
}

// Newest gives how many of the articles that are there at the first look are new.
func (s Source) Newest() int {
	n, _ := strconv.Atoi(s.Backfill)
	return n
}

// SMTP is a server that takes mails.
type SMTP struct {
	Name                  string           `mapstructure:"-"`
	Host                  string           `mapstructure:"host" required:"true" format:"host" desc:"Its name, such as smtp.example.org."`
	Port                  int              `mapstructure:"port" default:"587" min:"1" max:"65535" desc:"587 for submission, 465 with security: tls, 25 for a relay."`
	Security              string           `mapstructure:"security" default:"starttls" enum:"starttls,tls,none,opportunistic" desc:"starttls: encrypted or not at all. tls: encrypted from the first byte. opportunistic: encrypted where the server can. none: in the clear."`
	User                  string           `mapstructure:"user" desc:"Login; left out, none."`
	Password              publisher.Secret `mapstructure:"password" desc:"Its password: write ${env:NAME} or ${file:PATH}."`
	Auth                  string           `mapstructure:"auth" default:"auto" enum:"auto,plain,login,cram-md5,scram-sha-256,xoauth2,none" desc:"How to log in; auto: the safest that the server offers."`
	Helo                  string           `mapstructure:"helo" format:"host" desc:"Name given at the greeting. Left out: the sender's domain."`
	Connections           int              `mapstructure:"connections" default:"4" min:"1" max:"100" desc:"Connections at the same time."`
	Timeout               time.Duration    `mapstructure:"timeout" default:"30s" min:"1" desc:"Longest wait for one answer."`
	MessagesPerConnection int              `mapstructure:"messages_per_connection" default:"100" min:"1" desc:"Mails before a connection is renewed."`
	Rate                  Rate             `mapstructure:"rate" desc:"Most mails in a time, such as 300/h, 10/s or 2000/d. Left out: no limit."`
}

// Telemetry is what the daemon tells about itself.
type Telemetry struct {
	Metrics string `mapstructure:"metrics" format:"listen" desc:"Address on which serve answers Prometheus at /metrics, such as 127.0.0.1:9464; apart from the readers' pages, so that it need not be public. Left out: nowhere."`
	Traces  string `mapstructure:"traces" format:"url" desc:"Base address of an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Left out: what OTEL_EXPORTER_OTLP_ENDPOINT says, or nowhere."`
}

// Retry is what becomes of mails that a server has told to wait.
type Retry struct {
	Schedule []string      `mapstructure:"schedule" default:"5s,20s,1m,5m,15m,1h,4h,12h" format:"duration" desc:"The wait after each time that a mail was told to wait, such as 5m or 4h; the last one repeats. Each is spread by a quarter either way."`
	GiveUp   time.Duration `mapstructure:"give_up" default:"3d" min:"1" desc:"So long after its first attempt a mail that still has to wait ends as bounced."`
	Wait     time.Duration `mapstructure:"wait" default:"30s" min:"1" desc:"The longest of these waits that publish sits out itself; what has to wait longer is left to a later run."`
}

// Waits gives the schedule.
func (r Retry) Waits() []time.Duration {
	var waits []time.Duration
	for _, s := range r.Schedule {
		if d, err := readDuration(s); err == nil {
			waits = append(waits, d)
		}
	}
	return waits
}

// A List is a group of readers.
type List struct {
	Name        string `mapstructure:"-"`
	Title       string `mapstructure:"title" desc:"What readers see."`
	Description string `mapstructure:"description" lines:"true" desc:"One sentence on what they get."`
}

// A Newsletter is a recurring product for one list.
type Newsletter struct {
	Name     string            `mapstructure:"-"`
	Title    string            `mapstructure:"title" desc:"What readers see. Left out: the site's name."`
	List     string            `mapstructure:"list" required:"true" desc:"Name of the list that gets it."`
	From     publisher.Address `mapstructure:"from" required:"true" desc:"Sender, as Name <name@example.org>."`
	ReplyTo  publisher.Address `mapstructure:"reply_to" desc:"Where answers go. Left out: to the sender."`
	Subject  string            `mapstructure:"subject" default:"{{.Article.Title}}" format:"template" desc:"Subject line, a Go template."`
	Template string            `mapstructure:"template" default:"article" format:"name" desc:"The template of a mail with one article, a file in templates/email. Digests have digest.html.tmpl."`
	Language string            `mapstructure:"language" format:"language" desc:"Language of the frame around the article. Left out: the article's."`
	Blocks   []publisher.Block `mapstructure:"blocks" enum:"share,forward,original,subscribe,sponsors,donate" desc:"The blocks around the article, in this order. Left out: all that are configured."`
	Schedule calendar.Schedule `mapstructure:"schedule" desc:"When an issue with the articles that came since the last one goes out: daily 18:00, weekdays 07:30, mon,thu 08:00, monthly 1 08:00, monthly last fri 17:00, or cron's five fields. In the site's time zone. Left out: each article is an issue."`
	Late     OwnLate           `mapstructure:"late" desc:"What becomes of its issues when they are late. Left out: as late: says for all."`
	Undo     time.Duration     `mapstructure:"undo" desc:"How long an issue that is made by itself waits before its first mail, so that it can still be held or called off."`
	Digest   Digest            `mapstructure:"digest" desc:"What goes into the issues of a newsletter with a schedule."`
	Unknown  string            `mapstructure:"unknown" default:"leave" enum:"leave,resend" desc:"What becomes of a mail of which nobody knows whether it went out: leave it, or send it again under the same Message-ID."`
	Approval int               `mapstructure:"approval" default:"0" min:"0" max:"20" desc:"How many people have to approve, with crieur approve, before an issue goes out; 0: none."`
}

// Blocks is what stands around an article.
type Blocks struct {
	Share     Share     `mapstructure:"share" desc:"Links by which a reader shares the article."`
	Forward   Forward   `mapstructure:"forward" desc:"A copy of the issue that a reader can pass on."`
	Subscribe Subscribe `mapstructure:"subscribe" desc:"The way to the newsletter for those who were passed a copy."`
	Sponsors  Sponsors  `mapstructure:"sponsors" desc:"Advertisements, always labelled as such."`
	Donate    Donate    `mapstructure:"donate" desc:"The way to support the site."`
}

// Share names the networks of the share links.
type Share struct {
	Networks []string `mapstructure:"networks" default:"mastodon,bluesky,x,facebook,linkedin,whatsapp,telegram,email" enum:"mastodon,bluesky,x,facebook,linkedin,whatsapp,telegram,email" desc:"In this order."`
}

// Forward is the block that a reader passes an issue on with.
type Forward struct {
	Enabled bool `mapstructure:"enabled" default:"true" desc:"Whether the block is shown."`
}

// Subscribe is the block that leads to the sign-up.
type Subscribe struct {
	URL  string `mapstructure:"url" format:"url" desc:"The sign-up page."`
	Text string `mapstructure:"text" lines:"true" desc:"One line. Left out: the usual one, in the mail's language."`
}

// Sponsors is the advertising block.
type Sponsors struct {
	Label    string    `mapstructure:"label" desc:"What it is labelled. Left out: advertisement, in the mail's language."`
	PerIssue int       `mapstructure:"per_issue" default:"1" min:"0" max:"10" desc:"How many stand in one issue."`
	Items    []Sponsor `mapstructure:"items" desc:"The advertisements."`
}

// A Sponsor is one advertisement.
type Sponsor struct {
	Name  string `mapstructure:"name" required:"true" desc:"The advertiser."`
	Text  string `mapstructure:"text" lines:"true" desc:"One or two lines."`
	URL   string `mapstructure:"url" required:"true" format:"url" desc:"Where it leads."`
	Image string `mapstructure:"image" desc:"Address or path of a picture."`
	Alt   string `mapstructure:"alt" desc:"What the picture shows, for those who do not see it."`
}

// Donate is the block that asks for support.
type Donate struct {
	Text string `mapstructure:"text" lines:"true" desc:"One line. Left out: the usual one, in the mail's language."`
	URL  string `mapstructure:"url" format:"url" desc:"The donation page."`
}

// Preflight is what is looked at before anything goes out.
type Preflight struct {
	SizeWarn   int    `mapstructure:"size_warn" default:"90000" min:"1" desc:"HTML of a mail in bytes from which on there is a warning."`
	SizeFail   int    `mapstructure:"size_fail" default:"102400" min:"1" desc:"HTML of a mail in bytes from which on it does not go out: mail programs cut what is longer."`
	MissingAlt string `mapstructure:"missing_alt" default:"warn" enum:"warn,fail,ignore" desc:"What to do about a picture without alternative text."`
}

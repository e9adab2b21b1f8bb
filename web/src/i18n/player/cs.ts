import type { PlayerMessages } from "./messages";

/** Czech. */
export const cs: PlayerMessages = {
  cameraMainShort: "Hlavní",
  cameraPin: "Zobrazit vedle hlavního obrazu: {camera}",
  cameraUnpin: "Už nezobrazovat vedle: {camera}",
  cameraPinnedAway: "Bez signálu: {camera}. Obraz se sem vrátí sám.",
  cameraSwap: "Prohodit obrazy",

  more: "Další",
  pip: "Obraz v obraze",
  figures: "Statistika",
  figuresBuffer: "Vyrovnávací paměť",
  figuresFreezes: "Zamrznutí",
  figuresDelay: "Od kamery na obrazovku",
  figuresWay: "Cesta",
  figuresSession: "Relace",
  copy: "Kopírovat",
  copied: "Zkopírováno",

  keys: "Klávesy",
  keySpace: "Mezerník",
  keyTalk: "Podržet a mluvit",
  keyMute: "Zapnout nebo vypnout zvuk",
  keyHelp: "Tento seznam",

  talkEarlyText: "Mluvit můžete, jakmile technik začne vysílat.",
  talkSilent: "Není vás slyšet",
  talkSilentText: "Mikrofon nedává žádný zvuk. Není vypnutý, nebo ho nepoužívá jiná aplikace?",
  talkSystem: "Mikrofon je zakázaný",
  talkSystemText: "Zařízení nedává prohlížeči mikrofon. Povolte ho v nastavení zařízení a stiskněte znovu.",
  speakingTwo: "Mluví {name} a {other}",
  speakingMany: {
    one: "Mluví {name} a ještě {count} divák",
    few: "Mluví {name} a ještě {count} diváci",
    many: "Mluví {name} a ještě {count} diváka",
    other: "Mluví {name} a ještě {count} diváků",
  },
};

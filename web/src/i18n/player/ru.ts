import type { PlayerMessages } from "./messages";

/** Russian. */
export const ru: PlayerMessages = {
  cameraMainShort: "Основная",
  cameraPin: "Показать рядом с главным изображением: {camera}",
  cameraUnpin: "Больше не показывать рядом: {camera}",
  cameraPinnedAway: "Нет сигнала: {camera}. Изображение вернётся сюда само.",
  cameraSwap: "Поменять изображения местами",

  more: "Ещё",
  pip: "Картинка в картинке",
  figures: "Статистика",
  figuresBuffer: "Буфер",
  figuresFreezes: "Остановки",
  figuresDelay: "От камеры до экрана",
  figuresWay: "Путь",
  figuresSession: "Сеанс",
  copy: "Копировать",
  copied: "Скопировано",

  keys: "Клавиши",
  keySpace: "Пробел",
  keyTalk: "Удерживать и говорить",
  keyMute: "Включить или выключить звук",
  keyHelp: "Этот список",

  talkEarlyText: "Говорить можно будет, как только мастер выйдет в эфир.",
  talkSilent: "Вас не слышно",
  talkSilentText: "Микрофон не даёт звука. Может быть, он выключен или занят другим приложением.",
  talkSystem: "Микрофон запрещён",
  talkSystemText: "Устройство не даёт браузеру микрофон. Разрешите его в настройках устройства и нажмите снова.",
  speakingTwo: "Говорят {name} и {other}",
  speakingMany: {
    one: "Говорят {name} и ещё {count} зритель",
    few: "Говорят {name} и ещё {count} зрителя",
    many: "Говорят {name} и ещё {count} зрителей",
    other: "Говорят {name} и ещё {count} зрителя",
  },
};
